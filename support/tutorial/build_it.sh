# Part of ./tutorial: "Build it", the section of a stage's README, as steps that one types.
# shellcheck shell=sh disable=SC2154 # `root` is set by ./tutorial, `stage` by find_stage

# After each step a copy of what the reader has typed is completed with the rest of the stage's own file,
# so it compiles, and build_it/steps.cpp shows what the step has added.

build_it() { # build_it STAGE [FOLDER] [--step N]
    how='build-it takes a stage, and a folder if you like, as in: ./tutorial build-it 04'
    [ $# -gt 0 ] || die 2 "$how"
    find_stage "$1"
    [ -e "$root/$stage/build_it/steps.cpp" ] || die 2 "build-it knows the stages 03 to 07"
    shift
    mine='' wanted=''
    while [ $# -gt 0 ]; do
        case $1 in
            --step)
                [ $# -gt 1 ] || die 2 'which step? As in: ./tutorial build-it 04 --step 3'
                wanted=$2
                shift
                ;;
            -*) die 2 "build-it knows no option $1" ;;
            *) [ -z "$mine" ] || die 2 "$how" && mine=${1%/} ;;
        esac
        shift
    done
    mine=${mine:-build-it-${stage%%_*}}
    fences=$(mktemp) || exit 1
    trap 'rm -f "$fences"' EXIT
    find_fences >"$fences"
    steps=" $(cut -f 1 "$fences" | sort -nu | tr '\n' ' ')"
    case $steps in *" ${wanted:+$wanted }"*) ;; *) die 2 "the steps of $stage are:${steps% }" ;; esac

    if [ ! -e "$mine" ]; then
        begin
    elif [ ! -e "$mine/.step" ]; then
        die 1 "$mine is there already, and not from build-it: name another folder"
    else
        read -r step shown <"$mine/.step"
        step=${wanted:-$step}
        if [ "$step" = done ]; then
            finish
        elif [ -z "$wanted" ] && [ "$shown" = "$(what_is_typed)" ]; then
            show_step # again: nothing has been typed since
        else
            check_step
        fi
    fi
}

# What the fences of the section say is to be typed, in lines of: step, file, line.
find_fences() {
    awk -v stage="$stage/" '
        /^## / { is_here = $0 == "## Build it" }
        !is_here { next }
        /^```/ && is_code { is_code = 0; next }
        /^```/ {
            is_code = 1
            file = index($2, stage) == 1 ? substr($2, length(stage) + 1) : ""
            sub(/[#@].*/, "", file)
            next
        }
        !is_code && /^\*\*[0-9]+\. / { step = substr($0, 3) + 0 }
        is_code && file != "" && NF { print (step ? step : 1) "\t" file "\t" $0 }' "$root/$stage/README.md"
}

title() { # title STEP
    sed -n "/^## Build it/,/^## Run it/s/^\*\*$1\. \([^*]*\)\*\*.*/\1/p" "$root/$stage/README.md" |
        sed -e 's/[.:,]$//' -e 's/`//g' -e 1q
}

files_of() { # files_of STEP: the files that it adds to
    awk -F '\t' -v step="$1" '$1 == step && !seen[$2]++ { print $2 }' "$fences"
}

files_up_to() { # files_up_to STEP
    awk -F '\t' -v step="$1" '$1 + 0 <= step + 0 && !seen[$2]++ { print $2 }' "$fences"
}

# Where in the stage's file what was typed up to a step ends: the number of the line.
typed_until() { # typed_until STEP FILE
    awk -F '\t' -v step="$1" -v file="$2" '
        function strip(line) { gsub(/^[ \t]+|[ \t]+$/, "", line); return line }
        FNR == NR {
            if ($2 == file && $1 + 0 <= step + 0) {
                line = $0
                sub(/^[^\t]*\t[^\t]*\t/, "", line)
                wanted[++count] = strip(line)
            }
            next
        }
        at < count && strip($0) == wanted[at + 1] { ++at; last = FNR }
        END { print last + 0 }' "$fences" "$root/$stage/$2"
}

what_is_typed() {
    for file in $(files_up_to "$step"); do
        cat "$mine/$file" 2>&1
    done | cksum
}

before() { # before STEP: the step that precedes it, 0 for the first
    awk -F '\t' -v step="$1" '$1 + 0 < step + 0 { last = $1 } END { print last + 0 }' "$fences"
}

begin() { # with the steps before `wanted` filled in
    mkdir -p "$mine" || exit 1
    step=${wanted:-$(echo "$steps" | awk '{ print $1 }')}
    for file in $(files_up_to "$(before "$step")"); do
        head -n "$(typed_until "$(before "$step")" "$file")" "$root/$stage/$file" >"$mine/$file" || exit 1
    done
    grep -q '	echo_server.cpp	' "$fences" || cp "$root/$stage/echo_server.cpp" "$mine" || exit 1
    echo "$mine/ is for the files that you type; $stage/README.md, *Build it*, explains each step."
    show_step
}

show_step() {
    for file in $(files_of "$step"); do
        [ -e "$mine/$file" ] || : >"$mine/$file" || exit 1
        above=$(typed_until "$(before "$step")" "$file")
        printf '\nStep %s. %s\n' "$step" "$(title "$step")"
        if [ "$above" = 0 ]; then
            printf 'Begin %s with these lines:\n\n' "$mine/$file"
        else
            printf 'Insert the lines marked + at the end of %s:\n\n' "$mine/$file"
        fi
        awk -v above="$above" -v last="$(typed_until "$step" "$file")" '
            NR > above - 2 && NR <= above { print "    " $0 }
            NR > above && NR <= last { print $0 == "" ? "  +" : "  + " $0 }' "$root/$stage/$file"
    done
    echo "$step $(what_is_typed)" >"$mine/.step"
    printf '\nThen call the same command again: it compiles that, and runs it.\n'
}

check_step() {
    need
    build "what step $step is compared with" tour common "${stage}_steps"
    built=$root/build/tour
    compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$built/CMakeCache.txt")
    work=$root/build/play/build-it/$stage
    rm -rf "$work"
    mkdir -p "$work" || exit 1
    cp "$root/$stage"/*.hpp "$root/$stage/echo_server.cpp" "$work" 2>/dev/null
    for file in $(files_up_to "$step"); do
        last=$(typed_until "$step" "$file")
        {
            printf '#line 1 "%s"\n' "$mine/$file"
            cat "$mine/$file"
            printf '\n#line %s "%s"\n' $((last + 1)) "$stage/$file"
            tail -n +$((last + 1)) "$root/$stage/$file"
        } >"$work/$file" || exit 1
    done
    "$compiler" -std=c++20 -g -Wall -Wextra -I"$work" -I"$root" "$root/$stage/build_it/steps.cpp" \
        -o "$work/steps" "$built/common/libcommon.a" -pthread ||
        not_yet 'That does not compile yet, with the rest of the file from the stage.'
    expected=$("$built/$stage/steps" "$step" 2>/dev/null | without_addresses)
    printf '\nStep %s. %s: it compiles, and prints\n\n' "$step" "$(title "$step")"
    printed=$("$work/steps" "$step" 2>"$work/log" | without_addresses)
    printf '%s\n' "$printed" | sed 's/^/    /'
    [ "$printed" = "$expected" ] || {
        printf '\nbut with the code of the stage it prints\n\n'
        printf '%s\n' "$expected" | sed 's/^/    /'
        cat "$work/log"
        not_yet "What runs is $stage/build_it/steps.cpp."
    }
    step=$(echo "$steps" | awk -v step="$step" '{ for (i = 1; i < NF; ++i) if ($i == step) print $(i + 1) }')
    if [ -n "$step" ]; then show_step; else finish; fi
}

without_addresses() { # the port of a server differs each time
    grep -v '^listening on '
}

not_yet() { # not_yet TEXT
    printf '\n%s\nTry step %s again; --step N says that you are at another one.\n' "$1" "$step"
    exit 1
}

finish() {
    echo 'done' >"$mine/.step"
    printf '\nThat was the last step. Your server, on all that you have typed:\n\n'
    printf '  ./tutorial play %s/echo_server.cpp --stage %s\n' "$mine" "${stage%%_*}"
    printf '  ./tutorial check %s/echo_server.cpp --like %s\n' "$mine" "${stage%%_*}"
}
