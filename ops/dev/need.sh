# Shell functions of the scripts beside this file.

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# as_root COMMAND…
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# need COMMAND PACKAGE WHY: installs the package where the command is missing.
need() {
  type -P "$1" >/dev/null && return
  get "$2" "$3" "$1"
  type -P "$1" >/dev/null || fail "$2 was installed but $1 is still missing"
}

# get PACKAGE WHY WHAT: installs the package, and says so.
get() {
  command -v apt-get >/dev/null || fail "$3 is missing (for $2); install it and run this again"
  step "installing $1 (for $2)"
  if [ -z "${apt_updated:-}" ]; then
    as_root apt-get update -qq
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

# quietly COMMAND…: installs without the service that Debian starts with a package and at each boot.
quietly() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ] || ! command -v apt-get >/dev/null; then
    "$@"
    return
  fi
  trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
  "$@"
  as_root rm "$policy"
  trap - EXIT
}

# asleep SERVICE…: keeps services that were just installed from starting at boot.
asleep() { [ ! -d /run/systemd/system ] || as_root systemctl disable --now "$@" >/dev/null 2>&1 || true; }
