# Part of ./tutorial: the exercises, and the check of a server.
# shellcheck shell=sh disable=SC2154 # `root` is set by ./tutorial, `stage` by find_stage

names_of_exercises() { # names_of_exercises STAGE: from the easiest to the hardest
    sed -n 's/^exercises(\(.*\))$/\1/p' "$root/$1/CMakeLists.txt"
}

exercise() { # exercise STAGE [NAME] [--watch|--hint]
    how='exercise takes a stage, as in: ./tutorial exercise 03'
    stage='' name='' mode=run
    for argument; do
        case $argument in
            --watch) mode=watch ;;
            --hint) mode=hint ;;
            -*) die 2 "exercise knows no option $argument" ;;
            *)
                if [ -z "$stage" ]; then
                    find_stage "$argument"
                elif [ -z "$name" ]; then
                    name=$argument
                else
                    die 2 "$how"
                fi
                ;;
        esac
    done
    [ -n "$stage" ] || die 2 "$how"
    [ -z "$name" ] || [ -e "$root/$stage/exercises/${name}_tests.cpp" ] ||
        die 2 "no exercise '$name' in $stage; there are: $(names_of_exercises "$stage")"
    case $mode in
        hint) show_hint ;;
        watch) watch_exercise ;;
        run) run_exercise ;;
    esac
}

# One paragraph of the file more than the last time.
show_hint() {
    [ -n "$name" ] || die 2 "a hint for which exercise? There are: $(names_of_exercises "$stage")"
    hints=$root/$stage/exercises/hints/$name.md
    shown=$root/build/hints/$stage.$name
    open_build
    mkdir -p "$root/build/hints" || exit 1
    number=$(($(cat "$shown" 2>/dev/null || echo 0) + 1))
    all=$(awk 'BEGIN { RS = "" } END { print NR }' "$hints")
    if [ "$number" -gt "$all" ]; then
        echo "These were all hints; the next time they begin anew. There is still
$stage/exercises/solutions/$name.hpp"
        number=0
    else
        echo "Hint $number of $all for $name:"
        awk -v number="$number" 'BEGIN { RS = "" } NR == number' "$hints"
    fi
    echo "$number" >"$shown"
}

watch_exercise() {
    open_build
    while true; do
        touch "$root/build/watch"
        (run_exercise)
        say 'Waiting until you save ... (Ctrl-C ends)'
        while [ -z "$(find "$root/$stage/exercises" -name '*.hpp' -newer "$root/build/watch")" ]; do
            sleep 1
        done
    done
}

run_exercise() {
    target=${stage}_exercises
    [ -z "$name" ] || target=${stage}_${name}_exercise
    need doctest
    # The compiler warns only when it compiles: so what had a warning is compiled again.
    if grep -qs 'warning: ' "$root/build/test.log"; then
        rm -f "$root/build/test/$stage/CMakeFiles/$stage"_*_exercise.dir/exercises/*.o
    fi
    build "the exercises of $stage" test "$target"
    results=$root/build/$target.txt
    exec 4>&1
    status=$({ { run_tests 2>&1 3>&- 4>&-; echo $? >&3; } | tee "$results" | show_results >&4; } 3>&1)
    (show_crash)
    show_what_is_to_do
    exit "$status"
}

run_tests() { # fails if a test has failed; those that are skipped do not count
    has_failed=0
    for exercise in ${name:-$(names_of_exercises "$stage")}; do
        echo "$exercise:"
        program=$root/build/test/$stage/${stage}_${exercise}_exercise
        (with_fixed_addresses "$program")
        case $? in 0 | 77) ;; *) has_failed=1 ;; esac
        [ ! -e "${program}_races" ] || look_for_races "${program}_races" || has_failed=1
    done
    return "$has_failed"
}

# --no-exitcode: tests that fail have been told already.
look_for_races() { # look_for_races PROGRAM
    report=$(export TSAN_OPTIONS=halt_on_error=1
        with_fixed_addresses "$root/support/tutorial/sanitized" "$1" --no-exitcode)
    case "$? $report" in
        '0 '*) echo 'passed   no data race' ;;
        '77 '*) echo 'skipped  no data race' ;;
        *'FATAL: ThreadSanitizer'*) echo 'skipped  no data race (ThreadSanitizer does not run here)' ;;
        *) printf 'FAILED   no data race\n%s\n\n' "$report" && return 1 ;;
    esac
}

# Of what the programs print, the line of each test, and what a test that has failed has printed.
show_results() {
    sed -e '/^\[doctest\]/d; /^=====*$/d; /^TEST CASE: /d; /^not started: /d' \
        -e "s|^$root/||; s|^\(\.\./\)*||"
}

# A test that has crashed says little; the same one with AddressSanitizer says where.
show_crash() {
    crashed=$(awk '/^[a-z_]+:$/ { exercise = $0 } sub(/^CRASHED  /, "") { print exercise $0; exit }' "$results")
    [ -n "$crashed" ] || return 0
    exercise=${crashed%%:*}
    test=${crashed#*:}
    echo "'$test' has crashed. Once more, with AddressSanitizer:"
    build "the exercise with AddressSanitizer" asan "${stage}_${exercise}_exercise"
    (with_fixed_addresses "$root/support/tutorial/sanitized" \
        "$root/build/asan/$stage/${stage}_${exercise}_exercise" "--test-case=$(escape "$test")") |
        show_results
}

escape() { # for doctest, to which a comma separates two names
    printf '%s\n' "$1" | sed 's/,/\\,/g'
}

show_what_is_to_do() {
    to_do=$(sed -n 's/^not started: /  /p' "$results" | sort -u)
    if [ -n "$to_do" ]; then
        printf 'Not written yet, so skipped:\n%s\n' "$to_do"
        echo "A hint: ./tutorial exercise ${stage%%_*} ${name:-NAME} --hint"
    elif [ "$status" = 0 ]; then
        echo "All is well. Compare: $stage/exercises/solutions${name:+/$name.hpp}"
        find_next_exercise
        [ -z "$next" ] || echo "The next one: ./tutorial exercise $next"
    fi
}

# Sets `next`, as in "03 outgoing_buffer"; to nothing after the last one.
find_next_exercise() {
    next=''
    is_behind=''
    for server in "$root"/*/echo_server.cpp; do
        other=$(basename "$(dirname "$server")")
        for exercise in $(names_of_exercises "$other"); do
            [ -z "$is_behind" ] || [ -n "$next" ] || next="${other%%_*} $exercise"
            [ "$other/$exercise" != "$stage/${name:-$exercise}" ] || is_behind=yes next=''
        done
    done
}

check() { # check PROGRAM|FILE.cpp [--like STAGE]
    how='check takes a program, or its .cpp, as in: ./tutorial check my_server.cpp --like 02'
    program='' like=''
    while [ $# -gt 0 ]; do
        case $1 in
            --like)
                [ $# -gt 1 ] || die 2 "$how"
                find_stage "$2"
                like=${stage%%_*}
                [ "$like" != asyncio ] || like=07 # the same guarantees
                shift
                ;;
            -*) die 2 "check knows no option $1" ;;
            *)
                [ -z "$program" ] || die 2 "$how"
                program=$1
                ;;
        esac
        shift
    done
    [ -n "$program" ] || die 2 "$how"
    [ -f "$program" ] || die 2 "there is no program $program"
    case $program in
        *.cpp)
            [ -n "$like" ] || find_stage_of "$program"
            need doctest
            build_file "$program"
            ;;
        *)
            [ -x "$program" ] || die 2 "$program is not executable"
            need doctest
            ;;
    esac
    build 'the tests of a server' test wire_tests
    say "Checking $program ...
(some seconds for a good server, up to a minute for others)"
    exec "$root/build/test/support/testing/wire_tests" --server="$program" --verdict="${like:-0}" --patience=5
}
