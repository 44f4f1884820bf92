#!/bin/sh
# Installs beanship's released binary: sh install.sh [VERSION]
#
# Variables: BEANSHIP_VERSION (or the argument; the newest without), BEANSHIP_INSTALL_DIR (~/.local/bin),
# BEANSHIP_SHA256 (the archive's checksum; without, the published one), BEANSHIP_RELEASES (where releases are).
set -eu

releases=${BEANSHIP_RELEASES:-https://github.com/OWNER/beanship/releases/download}
version=${1:-${BEANSHIP_VERSION:-}}
folder=${BEANSHIP_INSTALL_DIR:-$HOME/.local/bin}

fail() {
  echo "beanship is not installed: $1" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null 2>&1 || fail "this needs $1"
}

get() {
  curl -fsSL --retry 5 --connect-timeout 10 -o "$2" "$1" || fail "$1 cannot be downloaded"
}

target() {
  case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no binary for $(uname -m); build it with cargo" ;;
  esac
  case $(uname -s) in
    Linux) echo "$machine-unknown-linux-musl" ;;
    Darwin) echo "$machine-apple-darwin" ;;
    *) fail "there is no binary for $(uname -s) here; Windows has a zip among the releases" ;;
  esac
}

# The newest release, from where its page leads.
newest() {
  page=$(curl -fsSLI --retry 5 -o /dev/null -w '%{url_effective}' "${releases%/download}/latest") ||
    fail "the newest version is not known; name one: sh install.sh 0.1.0"
  echo "${page##*/v}"
}

checksum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

main() {
  need curl
  need tar
  target=$(target)
  if [ -z "$version" ]; then version=$(newest); fi
  version=${version#v}
  name=beanship-$version-$target
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  get "$releases/v$version/$name.tar.gz" "$work/archive"
  wanted=${BEANSHIP_SHA256:-}
  if [ -z "$wanted" ]; then
    get "$releases/v$version/$name.tar.gz.sha256" "$work/sha256"
    wanted=$(cut -d ' ' -f 1 "$work/sha256")
  fi
  [ "$(checksum "$work/archive")" = "$wanted" ] || fail "the checksum of $name.tar.gz is not $wanted"
  tar -xzf "$work/archive" -C "$work"
  mkdir -p "$folder"
  # A binary that runs cannot be written over, but it can be replaced.
  cp "$work/$name/beanship" "$folder/.beanship-new"
  chmod 755 "$folder/.beanship-new"
  mv -f "$folder/.beanship-new" "$folder/beanship"
  echo "beanship $version is in $folder"
  case :$PATH: in
    *":$folder:"*) ;;
    *) echo "add it to PATH: export PATH=\"$folder:\$PATH\"" ;;
  esac
}

main
