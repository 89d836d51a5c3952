# Part of ./tutorial: runs experiments, and programs of the reader's own.
# shellcheck shell=sh disable=SC2154 # `root` is set by ./tutorial, `stage` by find_stage

# with_fixed_addresses COMMAND...: becomes COMMAND. Where addresses are spread widely
# (vm.mmap_rnd_bits above 28), older sanitizers fail.
with_fixed_addresses() {
    runs setarch "$(uname -m)" -R true && exec setarch "$(uname -m)" -R "$@"
    exec "$@"
}

run_experiment() { # run_experiment STAGE NAME [--whole] [ARGS]
    [ $# -gt 0 ] || die 2 'experiment takes a stage and a name: ./tutorial experiment 01 silent_client'
    find_stage "$1"
    find_experiment "${2-}"
    shift 2
    need
    build "$stage/experiments/$experiment" tour "${stage}_experiment_$experiment"
    program=$root/build/tour/$stage/experiments/$experiment
    if [ "${1-}" = --whole ]; then
        shift
    elif grep -q __asan_init "$program"; then
        set -- "$root/support/tutorial/sanitized" "$program" "$@"
        with_fixed_addresses "$@"
    fi
    with_fixed_addresses "$program" "$@"
}

# From the folder of FILE, or from the last stage.
find_stage_of() { # find_stage_of FILE: sets `stage`
    folder=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd -P)
    folder=${folder#"$root"/}
    stage=${folder%%/*}
    [ -n "$stage" ] && [ -e "$root/$stage/echo_server.cpp" ] && return
    for stage in "$root"/[0-9][0-9]_*/; do stage=$(basename "$stage"); done
}

# Builds a program of the reader's own, with the headers of `stage`.
build_file() { # build_file FILE [OPTION]: sets `program`; needs `stage`
    build 'what the stages have in common' tour common server_process "${stage}_echo_server"
    built=$root/build/tour
    compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$built/CMakeCache.txt")
    program=$root/build/play/$(basename "$1" .cpp)
    library=$built/$stage/lib$stage.a # asyncio has one, the stages are headers only
    [ -e "$library" ] || library=''
    mkdir -p "$root/build/play" || exit 1
    # What the compiler says is for the reader, warnings too.
    "$compiler" -std=c++20 -g -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
        -I"$root/$stage" -I"$root" -DPROGRAMS="\"$built/$stage\"" "$@" -o "$program" \
        ${library:+"$library"} "$built/support/testing/libserver_process.a" "$built/common/libcommon.a" -pthread || exit 1
}

# LeakSanitizer works with ptrace. Where that is forbidden it would end the program before that has
# printed all, so an empty program tells whether it works.
look_for_leaks() { # needs `compiler`
    probe=$root/build/play/leaks
    echo 'int main() {}' | "$compiler" -fsanitize=address -x c++ -o "$probe" - || exit 1
    case $(with_fixed_addresses "$probe" 2>&1) in
        *'LeakSanitizer has encountered a fatal error'*)
            say 'Leaks cannot be looked for here: ptrace is forbidden, or in use'
            export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
            ;;
    esac
}

play() { # play FILE [--stage STAGE] [--asan] [ARGS]
    how='play takes a program of yours, as in: ./tutorial play try.cpp --stage 07'
    [ $# -gt 0 ] || die 2 "$how"
    [ -f "$1" ] || die 2 "there is no file $1"
    file=$1
    shift
    find_stage_of "$file"
    sanitizer=''
    while [ $# -gt 0 ]; do
        case $1 in
            --stage)
                [ $# -gt 1 ] || die 2 "$how"
                find_stage "$2"
                shift
                ;;
            --asan) sanitizer=-fsanitize=address ;;
            *) break ;; # what follows is for the program
        esac
        shift
    done
    need
    build_file "$file" ${sanitizer:+"$sanitizer"}
    if [ -n "$sanitizer" ]; then
        look_for_leaks
        set -- "$root/support/tutorial/sanitized" "$program" "$@"
        with_fixed_addresses "$@"
    fi
    exec "$program" "$@"
}
