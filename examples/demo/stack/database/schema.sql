CREATE TABLE IF NOT EXISTS guests (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL,
    arrived timestamptz NOT NULL DEFAULT now()
);
