# shellcheck shell=sh
# Run in an image: prints its packages, as its own package managers list them, in the form of
# packages.py.
dpkg-query --show --showformat '${db:Status-Status} deb ${Package} ${Version} ${Architecture} -\n' | sed -n 's/^installed //p'
if command -v rpm >/dev/null; then
    rpm --dbpath /var/lib/rpm --query --all --queryformat 'rpm %{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} %{ARCH} -\n'
fi
for python in python3 /opt/venv/bin/python; do
    command -v "$python" >/dev/null || continue
    "$python" -I - <<'END'
import importlib.metadata

for found in importlib.metadata.distributions():
    print("pip", found.name, found.version, "-", found._path.parent)
END
done
