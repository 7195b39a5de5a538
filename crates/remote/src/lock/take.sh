# $1 is the name of the lock, $2 who takes it, $3 how many seconds to wait, $4 the directory that
# all users share, $5 for how many seconds it stands without being renewed, and $6 after how many
# seconds without renewal its holder seems to be gone. Says `busy <seconds> <holder>` when it has to
# wait (how long ago the holder renewed it, or `-`), `private` when only this user is kept out, and
# `held` when it has the lock. From then on each line of its input renews it, which it says:
# `renewed`. It keeps the lock until the end of its input, until no line has come for too long
# (`late`), or until somebody has removed the lock's file (`removed`).
umask 077
command -v timeout >/dev/null 2>&1 || exit 69

# Takes the lock of the file that is open as descriptor $1, if it is free. The program that is found first
# may be a link to a BusyBox that was built without it.
flock=flock flocks='/usr/bin/flock /bin/flock'
try() {
    while :; do
        "$flock" -n "$1" 2>/dev/null
        status=$?
        [ "$status" -ge 126 ] || return "$status"
        [ "$flocks" ] || { [ -s "$own" ] || rm -f -- "$own"; exit 69; }
        flock=${flocks%% *} flocks=${flocks#"$flock"}
        flocks=${flocks# }
    done
}

# The seconds since the machine has started: its own clock, which nobody sets.
clock() {
    read -r now rest </proc/uptime
    now=${now%.*}
}

clock
deadline=$((now + $3)) stands=$5 patience=$6
line_end='
'

# Reads who holds the lock of the file that is open as descriptor $1, and how long ago that one
# renewed it. Whoever shares the file may have written something else there.
look() {
    text=$(head -c 1000 "/proc/self/fd/$1")$line_end silent=-
    holder=${text%%"$line_end"*} heard=${text#*"$line_end"}
    heard=${heard%%"$line_end"*}
    clock
    case $heard in
    '' | 0* | *[!0-9]* | ???????????*) ;;
    *) [ "$heard" -gt "$now" ] || silent=$((now - heard)) ;;
    esac
}

# Whether there is time left to wait for the file that is open as descriptor $1, and how much: a
# holder who seems to be gone is waited for until its own time is over.
has_time() {
    look "$1"
    left=$((deadline - now))
    if [ "$silent" != - ] && [ "$silent" -ge "$patience" ]; then
        over=$((heard + stands + 2 - now))
        [ "$over" -le "$left" ] || left=$over
    fi
    [ "$left" -gt 0 ]
}

# Waits for the lock of the file that is open as descriptor $1.
await() {
    try "$1" && return
    look "$1"
    printf 'busy %s %s\n' "$silent" "$holder"
    while has_time "$1"; do
        timeout "$left" "$flock" "$1" </dev/null >/dev/null 2>&1 && return
    done
    try "$1" && return
    printf 'busy %s %s\n' "$silent" "$holder"
    exit 75
}

# Opens the shared file as descriptor 9. Other users may write in its directory: the file is
# created as a new one or opened as it is (the kernel refuses a mix of both for the file of
# another user), and what is open must be the very file of that name, not what a link points to.
# A directory that another user has made is root's from when root comes by.
share() {
    [ -d "$directory" ] || mkdir -m 1777 -- "$directory"
    if [ ! -O "$directory" ] && [ "$(id -u)" = 0 ]; then
        chown -h 0:0 -- "$directory" && [ ! -L "$directory" ] && chmod 1777 -- "$directory"
    fi
    [ -d "$directory" ] && [ ! -L "$directory" ] || return 1
    [ -e "$file" ] || (umask 0 && set -C && : >"$file")
    [ -f "$file" ] && [ ! -L "$file" ] && command exec 9<"$file" || return 1
    is_open 9 "$file" && return
    exec 9<&-
    return 1
}

# Removes the shared file where it may be removed: by who made it, and by root. Only in that very
# directory: whoever has made that could put a link to another one in its place meanwhile.
unshare() {
    cd -P -- "$directory" && [ "$(pwd -P)" = "$directory" ] && is_open 9 "./$name" && rm -f -- "./$name"
}

# Whether descriptor $1 is still the file $2.
is_open() {
    [ ! -L "$2" ] && [ "$2" -ef "/proc/self/fd/$1" ]
}

# Says who has the lock, and that it is in use. In the shared file through the descriptor, which no
# link can have replaced; there it is only for people.
tell() {
    clock
    printf '%s\n%s\n' "$1" "$now" >"$own" || return
    [ -z "$shared" ] || printf '%s\n%s\n' "$1" "$now" 2>/dev/null >/proc/self/fd/9
    return 0
}

# The user's own lock comes first, for whoever knows of no other.
own=${HOME:?}/.windlass/locks/$1 directory=$4 file=$4/$1 name=$1 shared=
[ -d "$HOME/.windlass/locks" ] || mkdir -p -- "$HOME/.windlass/locks" || exit 1
while :; do
    exec 8>>"$own" || exit 1
    await 8
    is_open 8 "$own" && break
done
tell "$2" || exit 1

while share 2>/dev/null; do
    await 9
    if is_open 9 "$file"; then
        shared=1
        tell "$2"
        break
    fi
done
[ "$shared" ] || echo private
echo held

# What reads the input does not hold the lock: that ends with this shell, however it ends.
while :; do
    line=$(exec 8>&- 9>&- && exec timeout "$stands" head -n 1 2>/dev/null) || { echo late && break; }
    [ "$line" ] || break
    is_open 8 "$own" && { [ -z "$shared" ] || is_open 9 "$file"; } || { echo removed && exit; }
    tell "$2"
    echo renewed
done
# Its files go with it, while it is still held: whoever has opened one and waits finds out that it is no
# more the file of that name, and opens the new one.
if [ "$shared" ]; then
    printf '' 2>/dev/null >/proc/self/fd/9
    unshare 2>/dev/null
fi
! is_open 8 "$own" || rm -f -- "$own"
