#!/bin/sh
# Makes a database server on the first start and then runs it as the user mysql.
# Knows the variable that people use with the usual image: MARIADB_ROOT_PASSWORD.
set -eu
[ "${1:-mariadbd}" = mariadbd ] || exec "$@"
if [ ! -d /var/lib/mysql/mysql ]; then
    chown mysql /var/lib/mysql
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --auth-root-authentication-method=normal \
        --skip-test-db >/dev/null
    printf "ALTER USER root@localhost IDENTIFIED BY '%s';\n" "$MARIADB_ROOT_PASSWORD" >/run/mysqld/first.sql
    set -- "$@" --init-file=/run/mysqld/first.sql
fi
shift
exec mariadbd --user=mysql --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock "$@"
