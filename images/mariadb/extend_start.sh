# shellcheck shell=bash
# Sourced by kolla_start. With KOLLA_BOOTSTRAP in the environment the data
# directory is made, with the password of root that the file named by
# MARIADB_ROOT_CREDENTIALS gives in its [client] section, and that is all. A
# directory that is complete is left alone; one that is not, is made anew.
bootstrap_mariadb() {
    local datadir=/var/lib/mysql
    local credentials=${MARIADB_ROOT_CREDENTIALS:-/etc/mysql/root-credentials.cnf}
    local password

    if [[ -d "$datadir/mysql" && ! -e "$datadir/.bootstrapping" ]]; then
        echo "$datadir: already made"
        return
    fi

    password=$(my_print_defaults --defaults-file="$credentials" client \
        | sed --quiet 's/^--password=//p')
    if [[ -z "$password" ]]; then
        echo "$credentials: no password in [client]" >&2
        return 1
    fi
    password=${password//\\/\\\\}
    password=${password//\'/\'\'}

    find "$datadir" -mindepth 1 -delete
    touch "$datadir/.bootstrapping"
    mariadb-install-db --datadir="$datadir" --skip-test-db \
        --auth-root-authentication-method=normal > /dev/null
    # On standard input, where no list of processes shows it.
    mariadbd --datadir="$datadir" --bootstrap <<SQL
DELETE FROM mysql.global_priv WHERE Host <> 'localhost' OR User NOT IN ('root', 'mariadb.sys');
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$password';
SQL
    rm "$datadir/.bootstrapping"
    echo "$datadir: made"
}

if [[ -n "${KOLLA_BOOTSTRAP+set}" ]]; then
    bootstrap_mariadb
    exit 0
fi
