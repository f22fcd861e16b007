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
#   file NAME BYTES LINES   the same, for a text that is long
#   untar DIR           unpack a tar, which follows in chunks, into DIR
#   kill SIGNAL N       signal the process group of step N; sent ahead, it will
#                       not begin
#   eval LINES          run the next LINES lines in the hand (exports, cd)
#   step N SHELL…       run SHELL… on $dir/step-N.sh; before it, in the same
#                       process, $dir/pre-N where that was put
#   then N SHELL…       the same, sent ahead: only if the step or eval before it
#                       ended with 0
#   bg N SHELL…         the same, without waiting for its end
# Answers, each after the token:
#   hello KEY=VALUE …   what this container is like
#   done CODE           the answer to untar and eval
#   bg N TEXT           a line of background step N
#   end N CODE [halt]   step N ended; the job is to end with it
#   skip N              step N did not begin, because of the step before it
#
# The variables of the image and of the job live in the same shell: those of
# the driver begin with an underscore, and nothing here trusts IFS or PATH.

IFS= read -r _token
# Scripts lie in memory where that can be: the disk of a container is slow.
_dir=/dev/shm/.popsicle-$$
mkdir "$_dir" 2>/dev/null || _dir=${TMPDIR:-/tmp}/.popsicle-$$
mkdir -p "$_dir" || exit 97

say() { printf '%s %s\n' "$_token" "$1"; }

# lines copies the next $1 lines to standard output.
lines() {
	_left=$1
	while [ "$_left" -gt 0 ] && IFS= read -r _line; do
		printf '%s\n' "$_line"
		_left=$((_left - 1))
	done
}

# bytes copies the next $1 bytes, $2 lines, to standard output.
bytes() {
	if [ "$_tar" ]; then dd bs="$1" count=1 iflag=fullblock 2>/dev/null; else lines "$2"; fi
}

# untar unpacks the chunks that follow: a line with a number of blocks of
# 64 KiB, the blocks, and so on to the number 0.
untar() {
	while read -r _blocks && [ "$_blocks" -gt 0 ]; do
		# Without dd the blocks would be taken for frames.
		dd bs=65536 count="$_blocks" iflag=fullblock 2>/dev/null || kill -KILL $$
	done | {
		mkdir -p "$1" && tar -xpf - -C "$1"
		_code=$?
		cat >/dev/null # what tar left unread is still of this frame
		exit $_code
	}
}

# family prints process $1 and its descendants: what there is to kill in an
# image that has no setsid. A name, in parentheses, may hold anything. A Mac,
# for whose jobs on the host this is too, has no /proc.
family() {
	echo "$1"
	[ -d /proc/self ] || ps -A -o ppid= -o pid= | while read -r _parent _line; do
		[ "$_parent" = "$1" ] && family "$_line"
	done
	for _stat in /proc/[0-9]*/stat; do
		IFS= read -r _line <"$_stat" || continue
		_parent=${_line##*) ? }
		[ "${_parent%% *}" = "$1" ] && family "${_line%% *}"
	done 2>/dev/null
}

signal() {
	: >"$_dir/killed-$2"
	read -r _leader <"$_dir/group-$2" || return
	if [ "$_session" ]; then
		kill "-$1" "-$_leader"
	else
		# Who is stopped starts nobody that would be missed.
		_all=
		while [ "$_all" != "${_now=$(family "$_leader")}" ]; do
			kill -STOP $_now
			_all=$_now
			unset _now
		done
		kill "-$1" $_all
		kill -CONT $_all
		unset _now
	fi
}

ear() {
	while IFS=' ' read -r _verb _a _b; do
		case $_verb in
		put) lines "$_b" >"$_dir/$_a" ;;
		file) bytes "${_b% *}" "${_b#* }" >"$_dir/$_a" ;;
		untar) untar "$_a${_b:+ $_b}" >&3 2>&1; say "done $?" >&3 ;;
		kill) signal "$_a" "$_b" 2>/dev/null ;;
		eval) echo "eval $_a"; lines "$_a" ;;
		*) echo "$_verb $_a $_b" ;;
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
	_n=$1
	shift
	[ -f "$_dir/pre-$_n" ] && . "$_dir/pre-$_n"
	read -r _leader _ 2>/dev/null </proc/self/stat || _leader=$(exec sh -c 'echo $PPID')
	echo "$_leader" >"$_dir/group-$_n"
	exec ${_session:+"$_session"} "$@" "$_dir/step-$_n.sh"
}

run() {
	(eval "enter $1 $2") </dev/null 2>&1
	_code=$?
	[ -e "$_dir/halt" ] && _code="$_code halt" # what follows is not begun
	say "end $1 $_code"
}

hand() {
	_code=0
	while IFS=' ' read -r _verb _n _shell; do
		case $_verb in
		eval) eval "$(lines "$_n")"; _code=$?; say "done $_code" ;;
		step) run "$_n" "$_shell" ;;
		then)
			if [ "$_code" = 0 ] && [ ! -e "$_dir/killed-$_n" ]; then run "$_n" "$_shell"; else say "skip $_n"; fi
			;;
		bg) background "$_n" "$_shell" & ;;
		esac
	done
}

background() {
	{
		(eval "enter $1 $2") </dev/null 2>&1
		echo $? >"$_dir/code-$1"
	} | while IFS= read -r _line || [ "$_line" ]; do
		say "bg $1 $_line"
	done
	read -r _code <"$_dir/code-$1"
	say "end $1 $_code"
}

# What this container is like, found out without starting a process.
while read -r _key _value _; do
	case $_key in
	Uid:) _uid=$_value ;;
	Gid:) _gid=$_value ;;
	esac
done 2>/dev/null </proc/self/status
_tar= _bash=
_session=$(command -v setsid)
command -v dd >/dev/null && command -v tar >/dev/null && _tar=y
if [ ! "$_uid" ]; then # no Linux
	_uid=$(id -u) _gid=$(id -g)
	dd iflag=fullblock count=0 </dev/null 2>/dev/null || _tar=
fi
[ -x /bin/bash ] && _bash=y
say "hello uid=$_uid gid=$_gid bash=$_bash tar=$_tar dir=$_dir home=${HOME:-/}"
# The commands of circleci.sh are in PATH; not in $_dir, where nothing can be
# executed.
_bin=${TMPDIR:-/tmp}/.popsicle-$$
mkdir -p "$_bin"
for _name in circleci circleci-agent; do
	echo "#!/bin/sh
_popsicle=$_dir . $_dir/circleci.sh" >"$_bin/$_name"
done
chmod +x "$_bin/circleci" "$_bin/circleci-agent"
exec 3>&1
ear | hand 3>&-
