# shellcheck shell=bash
# Sourced by kolla_start. The cookie that lets Erlang nodes and the command line
# talk is made at the first start and stays with the data.
cookie=/var/lib/rabbitmq/.erlang.cookie
if [[ ! -s "$cookie" ]]; then
    (umask 377 && openssl rand -base64 -out "$cookie.new" 42 && mv "$cookie.new" "$cookie")
fi
export HOME=/var/lib/rabbitmq
