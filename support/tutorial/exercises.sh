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
    mkdir -p "$root/build" || exit 1
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
    results=$root/build/exercise.txt
    exec 4>&1
    status=$({ { run_tests 2>&1 3>&- 4>&-; echo $? >&3; } | show_results | tee "$results" >&4; } 3>&1)
    (show_crash)
    show_what_is_to_do
    exit "$status"
}

run_tests() {
    (with_fixed_addresses ctest --test-dir "$root/build/test" --output-on-failure --no-tests=error \
        -R "^$stage/exercises/${name:+$name/}")
}

# Of what CTest prints, the line of each test, and what a test that has failed has printed.
show_results() {
    sed -e '/^Internal ctest/d; /^Test project/d; /^ *Start /d; /^\[doctest\]/d; /^=====*$/d' \
        -e '/^TEST CASE: /d; s|^\(\.\./\)*||' \
        -e '/% tests passed/,$d' -e 's|^ *[0-9]*/[0-9]* Test *#[0-9]*: [^/]*/exercises/||'
}

# A test that has crashed says little; the same one with AddressSanitizer says where.
show_crash() {
    crashed=$(sed -n 's|^\([a-z_]*/.*\) \.*\*\*\*Exception: SegFault.*|\1|p' "$results" | head -n 1)
    [ -n "$crashed" ] || return 0
    exercise=${crashed%%/*}
    test=${crashed#*/}
    echo "'$test' has crashed. Once more, with AddressSanitizer:"
    build "the exercise with AddressSanitizer" asan "${stage}_${exercise}_exercise"
    (with_fixed_addresses "$root/support/tutorial/sanitized" \
        "$root/build/asan/$stage/${stage}_${exercise}_exercise" "--test-case=$(escape "$test")") |
        sed -e '/^\[doctest\]/d; /^=====*$/d'
}

escape() { # for doctest, to which a comma separates two names
    printf '%s\n' "$1" | sed 's/,/\\,/g'
}

show_what_is_to_do() {
    # CTest does not show what a skipped test has printed: the place to write at.
    log=$root/build/test/Testing/Temporary/LastTest.log
    to_do=$(sed -n 's/^not started: /  /p' "$log" | sort -u)
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
    for folder in "$root"/[0-9][0-9]_*/; do
        other=$(basename "$folder")
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
