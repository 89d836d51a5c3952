# Part of ./tutorial and support/teach: the folders that have an echo server.
# shellcheck shell=sh disable=SC2154 # `root` is set by both

find_stage() { # find_stage 7|07|07_coroutines: sets `stage` to the folder's name
    case $1 in
        [0-9]) pattern="0$1_*" ;;
        [0-9][0-9]) pattern="$1_*" ;;
        *) pattern=${1%/} ;;
    esac
    known=''
    for server in "$root"/*/echo_server.cpp; do
        stage=$(basename "$(dirname "$server")")
        # shellcheck disable=SC2254 # it is a pattern, so it stays without quotes
        case $stage in $pattern) return ;; esac
        known="$known $stage"
    done
    die 2 "no stage '$1'; there are:$known"
}
