# Tells of files by their facts, one a line: the second of their last change, what `stat` tells that
# changes when a file does (kind and mode, size, inode, times of its content and of itself: 9 words), and
# the path. Hashes that are remembered in the file `known` for the same facts are not made again; the
# others are, and remembered in its place, which is made as `new`. What was changed in the last seconds
# before `now` is not remembered: another change might bear the same time.

function path_of(line, words) {
    while (words--) line = substr(line, index(line, " ") + 1)
    return line
}

function words_of(all, from, to, text) {
    text = all[from]
    while (++from <= to) text = text " " all[from]
    return text
}

BEGIN {
    while ((getline line < known) > 0) {
        split(line, all, " ")
        if (all[1] == "end") {
            whole = all[2] == lines + 0
            break
        }
        lines++
        remembered[words_of(all, 1, 9) " " path_of(line, 10)] = all[10]
    }
    # A disk that was full has left a part of it.
    if (!whole) split("", remembered)
}

{
    split($0, all, " ")
    path = path_of($0, 10)
    print "@" all[2] " " path
    if (all[2] ~ /^a/) {
        # What it leads to may change unseen.
        links[++link_count] = path
        wanted[path] = 1
        todo[++todo_count] = path
    }
    if (all[2] !~ /^8/) next
    facts = words_of(all, 2, 10)
    paths[++count] = path
    facts_at[count] = facts
    changed_at[count] = all[1]
    if ((facts " " path) in remembered) {
        sums[path] = remembered[facts " " path]
        print sums[path] "  " path
    } else {
        wanted[path] = 1
        todo[++todo_count] = path
    }
}

END {
    # What others print comes between whole lines.
    fflush()
    command = "tr '\\n' '\\0' | xargs -0 sha256sum -- | tee " new ".hashed"
    for (i = 1; i <= todo_count; i++) print todo[i] | command
    if (todo_count) {
        close(command)
        remember()
    }
    command = "while IFS= read -r path; do printf '>%s\\n<%s\\n' \"$path\" \"$(readlink -- \"$path\")\"; done"
    for (i = 1; i <= link_count; i++) print links[i] | command
    if (link_count) close(command)
}

function remember(line, path, i, lines) {
    while ((getline line < (new ".hashed")) > 0) {
        # Paths that `sha256sum` escapes are hashed each time.
        if (line !~ /^[0-9a-f]/) continue
        path = substr(line, 67)
        # The end of the file is missing.
        if (!(path in wanted) || (path in sums)) return
        sums[path] = substr(line, 1, 64)
    }
    for (i = 1; i <= count; i++) {
        path = paths[i]
        if (!(path in sums) || changed_at[i] + 3 > now) continue
        print facts_at[i] " " sums[path] " " path >new
        lines++
    }
    print "end " lines + 0 >new
    close(new)
    system("mv -f -- " new " " known)
}
