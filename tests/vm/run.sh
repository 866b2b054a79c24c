#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots a Debian kernel in qemu with Usher and its end-to-end tests in a root that is all memory; see README.md.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
usage="usage: tests/vm/run.sh [--build DIR] [--kernel FILE] [--only PATTERN]... [--kvm] [--timeout SECONDS]
  --build DIR        where Usher is built (default: build)
  --kernel FILE      a Debian kernel package or a bzImage (default: the package that linux-image-cloud-amd64 names)
  --only PATTERN     the end-to-end tests to run as well, as in tests/e2e/run.py; may be repeated (default: a choice;
                     'none' for none, '*' for all)
  --kvm              use /dev/kvm instead of emulation
  --timeout SECONDS  for the whole machine (default: 900)
Exit status: 0 all passed, 1 something failed or the time was up, 2 it could not be tried."

build=$root/build kernel='' accel=(-accel tcg -cpu max) timeout=900 only=()
fail() {
    echo "tests/vm/run.sh: $*" >&2
    exit 2
}
while [ $# -gt 0 ]; do
    case $1 in
    --build | --kernel | --only | --timeout) [ $# -ge 2 ] || fail "$1 needs a value" ;;&
    --build) build=$2 && shift ;;
    --kernel) kernel=$2 && shift ;;
    --only) only+=("$2") && shift ;;
    --timeout) timeout=$2 && shift ;;
    --kvm) accel=(-accel kvm -cpu host) ;;
    -h | --help) echo "$usage" && exit 0 ;;
    *) echo "$usage" >&2 && exit 2 ;;
    esac
    shift
done
# What depends most on the kernel: each kind of sender and refusal, take-back, dying shards, each feature off.
[ ${#only[@]} -gt 0 ] || only=('senders.*' 'bytes.*' 'workers.*' 'processes.*' 'pools.*' 'without.*')
[ "${only[*]}" != none ] || only=()

for program in qemu-system-x86_64 cpio gzip ldd setpriv prlimit busybox /usr/bin/python3; do
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install qemu-system-x86 busybox-static cpio"
done
[ "$(uname -m)" = x86_64 ] || fail "this needs x86_64 programs, the machine is $(uname -m)"
[ -x "$build/src/usherd/usherd" ] || fail "$build has no usherd: meson setup $build && ninja -C $build"
build=$(cd "$build" && pwd)

work=$(mktemp -d "${TMPDIR:-/tmp}/usher-vm.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tree=$work/root

# The kernel's package is unpacked, never installed; a downloaded one is kept in the build folder.
find_kernel() {
    local package
    if [ -z "$kernel" ]; then
        package=$(LC_ALL=C apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/^ *Depends:/ { print $2; exit }')
        [ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64: run apt-get update, or name one with --kernel"
        mkdir -p "$build/vm"
        kernel=$(find "$build/vm" -name "${package}_*.deb" | sort -V | tail -n 1)
        if [ -z "$kernel" ]; then
            (cd "$build/vm" && timeout 300 apt-get -q download "$package") >"$work/download" 2>&1 ||
                fail "could not download $package: $(tail -n 1 "$work/download")"
            kernel=$(find "$build/vm" -name "${package}_*.deb" | sort -V | tail -n 1)
        fi
    fi
    [ -r "$kernel" ] || fail "no kernel at $kernel"
    case $kernel in
    *.deb)
        dpkg-deb -x "$kernel" "$work/package" || fail "$kernel can't be unpacked"
        kernel=$(find "$work/package/boot" -name 'vmlinuz-*' | head -n 1)
        [ -n "$kernel" ] || fail "the package has no boot/vmlinuz-*"
        ;;
    esac
}

# put FILE...: into the tree at the same path, links followed.
put() {
    local file
    for file in "$@"; do
        mkdir -p "$tree$(dirname "$file")"
        cp -L "$file" "$tree$file" || fail "can't copy $file"
    done
}

# The shared libraries of programs and libraries, except those that are Usher's own.
put_libraries() {
    local file
    ldd "$@" 2>/dev/null | grep -o '/[^ :]*' | grep -v "^$build/" | sort -u | while read -r file; do
        [ -e "$tree$file" ] || put "$file"
    done
}

put_system() {
    local name
    mkdir -p "$tree"/{usr/{bin,sbin,lib,lib64},etc,proc,sys,dev,tmp,root,run,usher}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$tree/$name"; done
    put "$(command -v busybox)"
    ln -sf busybox "$tree/bin/sh"
    for name in cat ip mkdir mount nproc poweroff sleep sync uname; do ln -s busybox "$tree/bin/$name"; done
    printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$tree/etc/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: >"$tree/etc/group"
    for name in setpriv prlimit curl; do
        name=$(command -v "$name") || continue
        put "$name" && put_libraries "$name"
    done
}

put_python() {
    local library
    library=$(/usr/bin/python3 -I -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    put "$(readlink -f /usr/bin/python3)"
    ln -s "$(readlink -f /usr/bin/python3)" "$tree/usr/bin/python3"
    mkdir -p "$tree$library"
    (cd "$library" && find . -type f ! -path '*/test/*' ! -path '*/idlelib/*' ! -path '*/lib2to3/*' \
        ! -path '*/tkinter/*' ! -path '*/ensurepip/*' ! -path '*/config-*' ! -path '*/dist-packages/*' -print0 |
        cpio -0 -pdmL --quiet "$tree$library") || fail "can't copy Python's library"
    put_libraries /usr/bin/python3 "$library"/lib-dynload/*.so
}

put_usher() {
    local file name
    for name in src/usherd/usherd src/cli/usherctl examples bench src/lib; do
        while read -r file; do
            mkdir -p "$tree/usher/build/$(dirname "${file#"$build"/}")"
            cp -a "$file" "$tree/usher/build/${file#"$build"/}"
            [ -L "$file" ] || put_libraries "$file"
        done < <(find "$build/$name" -maxdepth 1 \( -type f -o -type l \) -perm -u=x)
    done
    mkdir -p "$tree/usher/tests"
    cp -R "$root/tests/e2e" "$root/tests/vm" "$tree/usher/tests/" || fail "can't copy the tests"
    [ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" >>"$tree/usher/only"
    touch "$tree/usher/only"
    cp "$here/init" "$tree/init"
}

find_kernel
put_system
put_python
put_usher
(cd "$tree" && find . -print0 | cpio -0 -o -H newc -R 0:0 --quiet | gzip -1) >"$work/initramfs" || fail "cpio failed"
echo "tests/vm: $(basename "$kernel"), initramfs of $(($(stat -c %s "$work/initramfs") >> 20)) MiB, ${accel[1]}"

start=$SECONDS
timeout -k 5 "$timeout" qemu-system-x86_64 "${accel[@]}" -m 2048 -smp 2 -nodefaults -display none -no-reboot \
    -serial stdio -kernel "$kernel" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on" </dev/null 2>&1 | sed -u 's|\r||g' | tee "$work/console"
status=${PIPESTATUS[0]}
said=$(sed -n 's/^usher-vm: \([0-9]\{1,3\}\)$/\1/p' "$work/console" | tail -n 1)
echo "tests/vm: $((SECONDS - start)) s in the machine"
if [ "$status" = 124 ] || [ "$status" = 137 ]; then
    echo "tests/vm: FAIL: not done after $timeout s"
elif [ -z "$said" ]; then
    echo "tests/vm: FAIL: the machine ended without a result (qemu's status $status)"
elif [ "$said" = 0 ]; then
    echo "tests/vm: all passed"
    exit 0
else
    echo "tests/vm: FAIL: see above"
fi
exit 1
