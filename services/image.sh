#!/bin/sh
# The steps of the Dockerfile that take more than a line.
set -eu

# What a stage needs that installs: strip, and pip outside of the environment that is shipped.
prepare() {
    if ! command -v strip >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends binutils >/dev/null
        rm -rf /var/lib/apt/lists
    fi
    python3 -m venv /opt/pip
    python3 -m venv --without-pip /opt/venv
}

# install LOCKFILE: its wheels, less what no process reads (tests, C sources, symbols, maps,
# commands of libraries).
install() {
    /opt/pip/bin/pip --python /opt/venv/bin/python install -q --disable-pip-version-check \
        --no-input --no-cache-dir --no-compile --only-binary :all: --require-hashes -r "$1"
    cd /opt/venv
    find bin -type f ! -name squawk -delete
    find lib -depth -type d \( -name tests -o -name test \) -exec rm -r {} +
    find lib -type f \( -name '*.c' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \
        -o -name '*.h' -o -name '*.pyi' -o -name '*.map' -o -name 'swagger-ui-es-*' \) -delete
    find bin lib -type f \( -name '*.so' -o -name squawk \) -exec strip --strip-unneeded {} +
    compile lib
}

# compile PLACE...: a .pyc that does not name the time of its source, so a copy cannot void it.
compile() {
    python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash "$@"
}

# What installs packages, logs people in or serves a terminal; kept are dash and coreutils.
UNNEEDED='adduser apt bash binutils binutils-common binutils-x86-64-linux-gnu bsdutils debconf
    debian-archive-keyring diffutils e2fsprogs findutils gpgv grep gzip hostname
    init-system-helpers libapt-pkg7.0 libaudit-common libaudit1 libbinutils libblkid1 libbsd0
    libcap-ng0 libcom-err2 libctf-nobfd0 libctf0 libdebconfclient0 libext2fs2t64 libgprofng0
    libhogweed6t64 libjansson4 liblastlog2-2 liblz4-1 libmount1 libnettle8t64 libpam-modules
    libpam-modules-bin libpam-runtime libpam0g libseccomp2 libsemanage-common libsemanage2
    libsepol2 libsframe1 libsmartcols1 libss2 libudev1 libxxhash0 login login.defs logsave mawk
    mount ncurses-bin passwd perl-base python3-pip-whl python3-setuptools-whl python3-venv
    python3.13-venv sed sqv sysvinit-utils tar util-linux'

# The root of the base image, whichever it is, as all images share it.
base() {
    echo 'app:x:10001:10001::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
    echo 'app:x:10001:' >> /etc/group
    find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
    find / -xdev -type d -perm -0002 ! -path /tmp -exec chmod o-w {} +
    find /usr/share/doc -type f ! -name copyright -delete
    purge
    standard=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    for name in ensurepip idlelib pydoc_data site-packages test tkinter turtledemo; do
        rm -rf "${standard:?}/$name"
    done
    rm -rf "$standard"/config-* "$standard"/lib-dynload/_test* /usr/local/include \
        /usr/local/lib/pkgconfig /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/pydoc* \
        /usr/local/bin/python*-config
    compile "$standard"
    python3 -c 'import bz2, ctypes, lzma, sqlite3, ssl, uuid, zlib, zoneinfo'
}

# By dpkg, so that its list stays true for scanners; last the scripts' tools, then dpkg itself.
purge() {
    rm -f /var/lib/dpkg/info/*.prerm /var/lib/dpkg/info/*.postrm
    installed=''
    for name in $UNNEEDED; do
        if dpkg-query -s "$name" >/dev/null 2>&1; then installed="$installed $name"; fi
    done
    dpkg --purge --force-all $installed dpkg >/dev/null 2>&1
    rm -rf /var/lib/dpkg/info /var/lib/dpkg/*-old /var/lib/apt /var/cache/* /var/log/* /etc/apt \
        /etc/dpkg /etc/pam.d /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian \
        /usr/share/perl5 /usr/share/bash-completion /usr/lib/*/gconv /usr/lib/*/perl-base
}

"$@"
