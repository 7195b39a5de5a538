# What is remembered of files that take long to hash lies in our folder as `stat`: a line with two sizes, what
# `stat` told of the files, and the answer that was given for it. The sizes are that of the second, and that of it
# and the third: a full disk may have left a part of them. All of it is named from our folder, which nobody can
# change under us, and worked on in `new`.
new=stat.$$

# What `stat` tells of all of them, and of what symbolic links lead to, in $new: it changes when the answer does.
# The first word of a line is the second of the last change, which the eighth to the tenth tell as well.
facts() {
  format='%Z %f %s %i %y %z %n'
  (cd -P .. && xargs -0 stat -c "$format" -- .windlass/override.json) <files >>"$new"
  grep -a '^[0-9]* a' "$new" | cut -d ' ' -f 11- | tr '\n' '\0' | (cd -P .. && xargs -0 stat -L -c "$format" --) >>"$new"
}

# Opens what is remembered as 3, if it is whole: another look may put another one in its place.
remembered() {
  command exec 3<stat && read -r length whole <&3 || return
  known=/proc/self/fd/3 begin=$((${#length} + ${#whole} + 3))
  [ "$(tail -c "+$begin" "$known" | wc -c)" = "$whole" ]
}

# Whether that was told for what is in $new.
is_of_new() {
  [ "$(wc -c <"$new")" = "$length" ] && tail -c "+$begin" "$known" | head -c "$length" | cmp -s - "$new"
}

# The answer.
told() { tail -c "+$((begin + length))" "$known"; }

# Remembers the answer in $new.told for what is in $new.
leave() {
  length=$(wc -c <"$new")
  whole=$(cat -- "$new" "$new.told" | wc -c)
  { printf '%s %s\n' "$length" "$whole" && cat -- "$new" "$new.told"; } >"$new.whole" &&
    mv -f -- "$new.whole" stat
}
