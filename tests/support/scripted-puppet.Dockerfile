# An image whose `puppet` runs the manifest as a shell script, for tests of what an image does with a
# run, and of what happens around it. A script that must not fail in silence says `set -e`.
FROM debian:trixie
RUN printf '%s\n' '#!/bin/sh' 'for last; do :; done' 'sed "1s/^include slipway::packages; //" "$last" >/tmp/script || exit 1' '. /tmp/script' 'exit 2' >/usr/bin/puppet && chmod 755 /usr/bin/puppet
