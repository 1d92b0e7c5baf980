#!/bin/bash
# install.sh LIST...: installs the Debian packages named in the files LIST that are missing (one a line, '#' comments).
# Asks nothing, starts no service, and is done at once where nothing is missing.
set -euo pipefail

(($# > 0)) || { echo "usage: $0 LIST..." >&2; exit 2; }

command -v dpkg-query >/dev/null || { echo "deps: this is no Debian; install what stands in $*" >&2; exit 1; }
wanted=$(sed 's/#.*//' "$@" | tr -s '[:space:]' '\n' | sed '/^$/d' | sort -u)
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
mapfile -t missing < <(comm -23 <(echo "$wanted") <(echo "$installed"))
((${#missing[@]} > 0)) || { echo "deps: all $(wc -l <<<"$wanted") packages are installed"; exit 0; }

if (($(id -u) != 0)); then
  command -v sudo >/dev/null || { echo "deps: run this as root or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  exec sudo -- "$0" "$@"
fi

# Debian starts the services of a package when it is installed, here Prometheus on port 9090. This file says no to that
# until the installation is over; one that stands already is left as it is.
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "deps: installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"

# Nor shall it start at the next boot: the tests run a Prometheus of their own.
if [[ " ${missing[*]} " == *" prometheus "* ]] && command -v systemctl >/dev/null; then
  systemctl disable --quiet prometheus.service || echo "deps: could not disable prometheus.service" >&2
fi
