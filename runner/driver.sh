# popsicle's driver: what runs inside a job's container and takes its steps.
#
# Popsicle writes frames to this shell's standard input and reads output and
# control lines from its standard output. A control line begins with a token
# that is new for every job, so that no step can forge one by printing.
#
#   ear    reads the frames, so that a step can be killed while it runs
#   hand   runs the steps, one after the other, in the foreground: a shell
#          starts background commands with SIGINT ignored, and nothing could
#          undo that for the programs of a step
#
# Frames, one line each. A shell reads a pipe byte by byte, so they are short:
#   put FILE LINES      the next LINES lines are the text of $dir/FILE
#   untar DIR           unpack a tar, which follows in chunks, into DIR
#   kill SIGNAL N       signal the process group of step N
#   eval LINES          run the next LINES lines in the hand (exports, cd)
#   step N SHELL…       run SHELL… on $dir/step-N.sh; before it, in the same
#                       process, $dir/pre-N where that was put
#   then N SHELL…       the same, sent ahead: only if the step before it ended
#                       with 0
#   bg N SHELL…         the same, without waiting for its end
# Answers, each after the token:
#   hello KEY=VALUE …   what this container is like
#   done CODE           the answer to untar and eval
#   bg N TEXT           a line of background step N
#   end N CODE          step N ended
#   skip N              step N did not begin, because of the step before it

IFS= read -r token
# Scripts lie in memory where that can be: the disk of a container is slow.
dir=/dev/shm/.popsicle-$$
mkdir "$dir" 2>/dev/null || dir=${TMPDIR:-/tmp}/.popsicle-$$
mkdir -p "$dir" || exit 97

say() { printf '%s %s\n' "$token" "$*"; }

# lines copies the next $1 lines to standard output.
lines() {
	left=$1
	while [ "$left" -gt 0 ] && IFS= read -r line; do
		printf '%s\n' "$line"
		left=$((left - 1))
	done
}

# untar unpacks the chunks that follow: a line with a number of blocks of
# 64 KiB, the blocks, and so on to the number 0.
untar() {
	while read -r blocks && [ "$blocks" -gt 0 ]; do
		dd bs=65536 count="$blocks" iflag=fullblock 2>/dev/null
	done | {
		mkdir -p "$1" && tar -xpf - -C "$1"
		code=$?
		cat >/dev/null # what tar left unread is still of this frame
		exit $code
	}
}

# family prints process $1 and its descendants: what there is to kill in an
# image that has no setsid.
family() {
	echo "$1"
	for stat in /proc/[0-9]*/stat; do
		read -r child _ _ parent _ <"$stat" || continue
		[ "$parent" = "$1" ] && family "$child"
	done 2>/dev/null
}

signal() {
	read -r leader <"$dir/group-$2" || return
	if [ "$session" ]; then
		kill "-$1" "-$leader"
	else
		kill "-$1" $(family "$leader")
	fi
}

ear() {
	while IFS=' ' read -r verb a b; do
		case $verb in
		put) lines "$b" >"$dir/$a" ;;
		untar) untar "$a${b:+ $b}" >&3 2>&1; say "done $?" >&3 ;;
		kill) signal "$a" "$b" 2>/dev/null ;;
		eval) echo "eval $a"; lines "$a" ;;
		*) echo "$verb $a $b" ;;
		esac
	done
	# End of file: popsicle is done, or dead. The container ends with the
	# shell that all of this runs in, whatever else is still alive in it.
	kill -KILL $$
}

# enter becomes step $1: the command line that follows, on the step's script,
# in a process group of its own. The first word of its own /proc entry is the
# only way to its process id that costs no process.
enter() {
	n=$1
	shift
	[ -f "$dir/pre-$n" ] && . "$dir/pre-$n"
	read -r leader _ </proc/self/stat && echo "$leader" >"$dir/group-$n"
	exec $session "$@" "$dir/step-$n.sh"
}

run() {
	(eval "enter $1 $2") </dev/null 2>&1
	code=$?
	say "end $1 $code"
}

hand() {
	while IFS=' ' read -r verb n shell; do
		case $verb in
		eval) eval "$(lines "$n")"; say "done $?" ;;
		step) run "$n" "$shell" ;;
		then) if [ "$code" = 0 ]; then run "$n" "$shell"; else say "skip $n"; fi ;;
		bg) background "$n" "$shell" & ;;
		esac
	done
}

background() {
	{
		(eval "enter $1 $2") </dev/null 2>&1
		echo $? >"$dir/code-$1"
	} | while IFS= read -r line || [ "$line" ]; do
		say "bg $1 $line"
	done
	read -r code <"$dir/code-$1"
	say "end $1 $code"
}

has() { command -v "$1" >/dev/null 2>&1 && echo y; }

session=
[ "$(has setsid)" ] && session=setsid
say "hello uid=$(id -u) gid=$(id -g) arch=$(uname -m) bash=$(has /bin/bash) tar=$(has tar) git=$(has git) dir=$dir home=${HOME:-/}"
exec 3>&1
ear | hand 3>&-
