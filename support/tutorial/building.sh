# Part of ./tutorial and support/teach: says things, and builds what is needed.
# shellcheck shell=sh disable=SC2154 # `root` is set by both

say() { printf '%s\n' "$*" >&2; }

die() { # die STATUS TEXT
    status=$1
    shift
    say "${0##*/}: $*"
    exit "$status"
}

# ---- doing things quietly --------------------------------------------------------------------

# What a line of Ninja says, shorter: "12 of 47: 06_task/tests.cpp". Sets `line`, and `step` and
# `total` if it was such a line.
shorten() {
    total=''
    case $line in
        '['[0-9]*/[0-9]*'] '*)
            step=${line%%/*} step=${step#?}
            total=${line#*/} total=${total%%]*}
            line="$step of $total: $(printf '%s\n' "${line#*] }" |
                sed -e 's|^Building CXX object ||' -e 's|CMakeFiles/[^/]*\.dir/||' -e 's|\.o$||')"
            ;;
    esac
}

can_erase() { [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; } # a line on standard error

# Reads a command's output. On a terminal its newest line stays in sight, and is gone at the end;
# elsewhere a line tells now and then how far a long build is.
show_progress() {
    if can_erase; then
        while IFS= read -r line; do
            shorten
            printf '\r\033[K%.78s' "$line" >&2
        done
        printf '\r\033[K' >&2
    else
        next=25
        while IFS= read -r line; do
            shorten
            if [ -n "$total" ] && [ "$step" -ge "$next" ]; then
                say "  $line"
                next=$((step + 25))
            fi
        done
    fi
}

# Another user's build, most often root's, can be neither continued nor logged: says so, and ends.
open_build() {
    [ -d "$root/build" ] || mkdir "$root/build" || exit 1
    for path in "$root/build" "$root/build"/* "$root/build"/*/*; do
        [ ! -e "$path" ] || [ -w "$path" ] || die 1 "cannot write to $path: has another user built here?"
    done
}

# Two that build at once would write the same files, so the second one waits until the first has closed
# descriptor 9, and all that the first has started too. Without flock and Perl it does not wait.
lock_build() {
    exec 9>"$root/build/lock" || exit 1
    lock -n || { say 'Waiting for another ./tutorial, which builds ...' && lock; } || exit 1
}

lock() { # lock [-n]: as flock, which macOS does not have
    if runs command -v flock; then
        flock ${1:+"$1"} 9
    elif runs perl -v; then
        perl -e 'use Fcntl ":flock"; open my $file, ">&=9" or die; exit !flock $file, LOCK_EX | (@ARGV && LOCK_NB)' -- "$@"
    fi
}

# quietly LOG WHAT COMMAND...: runs COMMAND, and shows its output, build/LOG.log, only if it fails; if it
# succeeds, what a compiler warns of.
quietly() {
    log=$root/build/$1.log
    what=$2
    shift 2
    open_build
    lock_build
    if can_erase; then printf '%s ...' "$what" >&2; else say "$what ..."; fi
    # A pipe's status is that of its last command; the status wanted travels on descriptor 3.
    status=$({ { "$@" 2>&1 3>&-; echo $? >&3; } | tee "$log" | show_progress; } 3>&1)
    if [ "$status" != 0 ]; then
        show_errors "$log" >&2
        die 1 "$what: failed; all of the output is in $log"
    fi
    show_warnings "$log"
    exec 9>&-
}

# Of a build by Ninja that has failed, what the compiler or linker says; all of any other output.
show_errors() { # show_errors LOG
    if ! grep -q '^FAILED: ' "$1"; then
        cat "$1"
        return
    fi
    awk '
        /^\[[0-9]+\/[0-9]+\] / || /^ninja: / { is_shown = 0 }
        is_shown { gsub(/(\.\.\/)+/, ""); print }
        is_command { is_command = 0; is_shown = 1 }
        /^FAILED: / { is_command = 1; is_shown = 0 }' "$1"
}

# What the compiler warns of in a build that succeeded: a forgotten co_await is only a warning. Each
# once, with the line of the source below it; the notes, and who includes whom, are left out.
show_warnings() { # show_warnings LOG
    grep -q ':[0-9]*: warning: ' "$1" || return 0
    say 'The compiler warns:'
    sed 's|^\(\.\./\)*||' "$1" | awk '
        /warning: / { is_shown = !seen[$0]++ }
        !/warning: / && !/^ +[0-9]* \|/ { is_shown = 0 }
        is_shown' >&2
}

# ---- what it takes to build ------------------------------------------------------------------

runs() { "$@" >/dev/null 2>&1; } # for macOS, where a g++ that only offers to install itself exists

have_cmake() { # 3.25 or newer, for the workflow presets
    version=$(cmake --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    major=${version% *} minor=${version#* }
    [ -n "$version" ] && { [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 25 ]; }; }
}

knows_coroutines() { # knows_coroutines COMPILER...
    echo '#include <coroutine>' | "$@" -std=c++20 -fsyntax-only -x c++ - >/dev/null 2>&1
}

have_doctest() {
    for prefix in /usr /usr/local /opt/homebrew /opt/local; do
        [ -e "$prefix/include/doctest/doctest.h" ] && return
    done
    return 1
}

# Sets `missing`, in words, and what holds it: `packages` for apt-get, `formulae` for brew.
find_missing() { # find_missing [doctest]
    missing='' packages='' formulae=''
    # shellcheck disable=SC2086 # CXX may be several words
    knows_coroutines ${CXX:-g++} || knows_coroutines g++ || knows_coroutines clang++ ||
        lacks 'a C++20 compiler (GCC 12, Clang 14 or newer)' g++ ''
    have_cmake || lacks 'CMake (3.25 or newer)' cmake cmake
    runs ninja --version || lacks Ninja ninja-build ninja
    [ "${1-}" != doctest ] || have_doctest || lacks doctest doctest-dev doctest
}

lacks() { # lacks WORDS PACKAGE FORMULA
    missing="${missing:+$missing, }$1"
    packages="$packages $2"
    formulae="$formulae${3:+ $3}"
}

agrees=''
agree_beforehand() { # agree_beforehand [--yes ...]: fails if there is no --yes
    [ "${1-}" = --yes ] && agrees=yes
}

# Nothing is installed that the user has not seen and agreed to.
ask() { # ask WHAT COMMAND: ends if the answer is no, or if there is no terminal to ask at
    say "Missing: $1"
    [ -z "$agrees" ] || return 0
    [ -t 0 ] || die 1 "nothing is installed without a yes, and there is no terminal to ask at.
Install it yourself:  $2
or begin again with:  $0 --yes ..."
    printf "Install it with '%s'? [y/N] " "$2" >&2
    read -r answer || answer=''
    case $answer in [yY] | [yY][eE][sS]) ;; *) die 1 'nothing was installed' ;; esac
}

# shellcheck disable=SC2120 # support/teach never needs doctest
need() { # need [doctest]: installs what is missing, or says what it is and ends
    find_missing "$@"
    [ -n "$missing" ] || return 0
    if [ "$(uname)" = Darwin ]; then
        say "Missing: $missing"
        say 'Install it, then try again:'
        case $missing in *compiler*) say '  xcode-select --install' ;; esac
        [ -z "$formulae" ] || say "  brew install$formulae"
        exit 1
    fi
    runs apt-get --version || die 1 "please install: $missing"

    as_root=''
    if [ "$(id -u)" != 0 ]; then
        runs sudo -V || die 1 "only root can install it: apt-get install$packages"
        as_root=sudo
    fi
    ask "$missing" "${as_root:+sudo }apt-get install$packages"
    # shellcheck disable=SC2086 # `as_root` may be nothing, `packages` are several words
    quietly install "Installing it: ${as_root:+sudo }apt-get install$packages" $as_root sh -c '
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"' \
        sh $packages </dev/null
    find_missing "$@"
    [ -z "$missing" ] || die 1 "this system's packages do not supply: $missing; please install by hand"
}

build() { # build WHAT PRESET [TARGET...]
    what=$1
    shift
    quietly "$1" "Building $what" configure_and_build "$@"
}

configure_and_build() {
    preset=$1
    shift
    cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}
}
