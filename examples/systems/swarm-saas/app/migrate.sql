-- May run again: it does once for each change of the stack, before the services.
create table if not exists orders (id bigserial primary key, at timestamptz default now());

select 'create role writer login' where not exists (select from pg_roles where rolname = 'writer') \gexec
select 'create role reader login' where not exists (select from pg_roles where rolname = 'reader') \gexec
grant select, insert on orders to writer;
grant usage on sequence orders_id_seq to writer;
grant select on orders to reader;

-- The passwords of now.
alter role writer password :'writer';
alter role reader password :'reader';
