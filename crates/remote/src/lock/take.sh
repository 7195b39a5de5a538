# $1 is the name of the lock, $2 who takes it, $3 how many seconds to wait, $4 the directory that
# all users share. Says `busy <holder>` when it has to wait, `private` when only this user is kept
# out, and `held` when it has the lock; keeps it until the end of its input.
umask 077
command -v flock >/dev/null 2>&1 || exit 69
deadline=$(($(date +%s) + $3))

# Waits for the lock of the file that is open as descriptor $1.
await() {
    flock -n "$1" && return
    printf 'busy %s\n' "$(head -n 1 "/proc/self/fd/$1")"
    left=$((deadline - $(date +%s)))
    flock -w "$((left > 0 ? left : 0))" "$1" && return
    head -n 1 "/proc/self/fd/$1"
    exit 75
}

# Opens the shared file as descriptor 9. Other users may write in its directory: the file is
# created as a new one or opened as it is (the kernel refuses a mix of both for the file of
# another user), and what is open must be the very file of that name, not what a link points to.
# A directory that another user has made is root's from when root comes by.
share() {
    [ -d "$directory" ] || mkdir -m 1777 -- "$directory"
    if [ "$(id -u)" = 0 ] && [ ! -O "$directory" ]; then
        chown -h 0:0 -- "$directory" && [ ! -L "$directory" ] && chmod 1777 -- "$directory"
    fi
    [ -d "$directory" ] && [ ! -L "$directory" ] || return 1
    [ -e "$file" ] || (umask 0 && set -C && : >"$file")
    [ -f "$file" ] && [ ! -L "$file" ] && command exec 9<"$file" || return 1
    is_shared && return
    exec 9<&-
    return 1
}

# Whether descriptor 9 is still the file of that name.
is_shared() {
    [ ! -L "$file" ] && [ "$file" -ef /proc/self/fd/9 ]
}

# The user's own lock comes first, for whoever knows of no other.
mkdir -p -- "${HOME:?}/.windlass/locks" || exit 1
exec 8>>"$HOME/.windlass/locks/$1" || exit 1
await 8
printf '%s\n' "$2" >"$HOME/.windlass/locks/$1" || exit 1

directory=$4 file=$4/$1 shared=
while share 2>/dev/null; do
    await 9
    if is_shared; then
        shared=1
        # Through the descriptor, which no link can have replaced. It is only for people.
        printf '%s\n' "$2" 2>/dev/null >/proc/self/fd/9
        break
    fi
done
[ "$shared" ] || echo private
echo held
cat >/dev/null
: >"$HOME/.windlass/locks/$1"
[ -z "$shared" ] || printf '' 2>/dev/null >/proc/self/fd/9
