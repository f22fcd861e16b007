# What `circleci` and `circleci-agent` do in a job: the commands that a job
# uses of them. POSIX sh and awk alone, for the smallest images; anything else
# is passed on to a circleci that the image has. The driver puts this text into
# its folder, $_popsicle, and two scripts that read it into PATH.
# https://circleci.com/docs/guides/toolkit/environment-cli-usage-guide/

fail() {
	printf '%s\n' "circleci (popsicle): $1" >&2
	exit 1
}

# pass runs the same command of the image's own circleci, if it has one.
pass() {
	_name=${0##*/}
	[ "${_popsicle_passed-}" ] || {
		set -f
		IFS=:
		for _place in $PATH; do
			if [ -x "$_place/$_name" ] && ! [ "$_place/$_name" -ef "$0" ]; then
				unset IFS
				_popsicle_passed=y exec "$_place/$_name" "$@"
			fi
		done
		unset IFS
	}
	fail "there is no command \"$*\" here: popsicle knows step halt, task halt, env subst, tests glob, tests split and tests run"
}

halt() {
	: >"$_popsicle/halt" || fail "step halt: $_popsicle cannot be written to: run it as the user of the job"
}

# subst puts variables into text, as https://github.com/a8m/envsubst does:
# $X ${X} ${X-d} ${X:-d} ${X=d} ${X:=d} ${X+d} ${X:+d}, and $$ for one $.
subst() {
	if [ $# -gt 0 ]; then printf '%s\n' "$*"; else cat; fi | awk '
	function closing(s, i, depth, c) {
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "$" && substr(s, i + 1, 1) == "{") { depth++; i++ }
			else if (c == "}" && depth-- == 0) return i
		}
		exit 3
	}
	function value(name, op, other, set) {
		set = (name in ENVIRON)
		if (op ~ /^:/) { set = set && ENVIRON[name] != ""; op = substr(op, 2) }
		if (op == "+") return set ? expand(other) : ""
		if (set || op == "") return ENVIRON[name]
		return expand(other)
	}
	function expand(s, out, i, name, op, end) {
		while ((i = index(s, "$")) > 0) {
			out = out substr(s, 1, i - 1)
			s = substr(s, i + 1)
			if (substr(s, 1, 1) == "$") { out = out "$"; s = substr(s, 2) }
			else if (match(s, /^[A-Za-z0-9_]+/)) {
				name = substr(s, 1, RLENGTH)
				s = substr(s, RLENGTH + 1)
				out = out value(name, "", "")
			} else if (match(s, /^[{][A-Za-z0-9_]+/)) {
				name = substr(s, 2, RLENGTH - 1)
				s = substr(s, RLENGTH + 1)
				op = match(s, /^:?[-=+]/) ? substr(s, 1, RLENGTH) : ""
				s = substr(s, length(op) + 1)
				end = closing(s)
				if (op == "" && end != 1) exit 4
				out = out value(name, op, substr(s, 1, end - 1))
				s = substr(s, end + 1)
			} else out = out "$"
		}
		return out s
	}
	BEGIN { RS = "\001"; ORS = "" }
	{ print (NR > 1 ? "\001" : "") expand($0) }'
	case $? in
	0) ;;
	3) fail 'env subst: closing brace expected' ;;
	4) fail 'env subst: bad substitution: there are ${X} ${X-d} ${X:-d} ${X=d} ${X:=d} ${X+d} ${X:+d}' ;;
	*) fail 'env subst: needs awk in the image' ;;
	esac
}

# glob prints the paths that match, as Go would find them: * ? [a-z] within a
# name, ** for any number of folders, {a,b} for either.
glob() {
	[ $# -gt 0 ] || fail 'tests glob: name a pattern, in quotes: circleci tests glob "test/**/*.py"'
	LC_ALL=C awk '
	function brace(p, i, c, depth, start, comma, k, n, parts, head, tail) {
		for (i = 1; i <= length(p); i++) {
			c = substr(p, i, 1)
			if (c == "\\") i++
			else if (c == "{" && depth++ == 0) { start = i; n = 0; comma = i }
			else if (depth && (c == "," && depth == 1 || c == "}" && --depth == 0)) {
				parts[++n] = substr(p, comma + 1, i - comma - 1)
				comma = i
				if (depth == 0) {
					head = substr(p, 1, start - 1)
					tail = substr(p, i + 1)
					for (k = 1; k <= n; k++) brace(head parts[k] tail)
					return
				}
			}
		}
		find(p)
	}
	function quoted(s) { gsub(/\047/, "\047\\\047\047", s); return "\047" s "\047" }
	function regex(s, i, c, out, end) {
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "*") { out = out "[^/]*"; while (substr(s, i + 1, 1) == "*") i++ }
			else if (c == "?") out = out "[^/]"
			else if (c == "[" && (end = index(substr(s, i + 2), "]"))) {
				c = substr(s, i + 1, end)
				sub(/^!/, "^", c)
				out = out "[" c "]"
				i += end + 1
			} else {
				if (c == "\\") c = substr(s, ++i, 1)
				out = out (c ~ /[A-Za-z0-9_\/]/ ? c : c == "^" || c == "[" || c == "\\" ? "\\" c : "[" c "]")
			}
		}
		return out
	}
	function find(p, names, n, i, base, magic, depth, re, cmd, line, any) {
		while (sub(/^\.\//, "", p)) ;
		gsub(/\/\/+/, "/", p)
		n = split(p, names, "/")
		for (i = 1; i <= n; i++) {
			magic = magic || names[i] ~ /[*?[\\]/
			if (!magic) { base = base names[i] "/"; continue }
			depth++
			if (names[i] != "**") re = re regex(names[i]) (i < n ? "/" : "")
			else { any = 1; re = re (i < n ? "([^/]+/)*" : ".*") }
		}
		if (!magic) { sub(/\/$/, "", base); cmd = quoted(base ~ /^-/ ? "./" base : base) " -maxdepth 0" }
		else {
			cmd = quoted(base == "" ? "." : base ~ /^-/ ? "./" base : base) (any ? "" : " -maxdepth " depth)
			base = base == "" ? "./" : base
		}
		cmd = "find " cmd " 2>/dev/null"
		while ((cmd | getline line) > 0) {
			if (!magic) { sub(/^\.\/-/, "-", line); print line; continue }
			sub(/^\.\/-/, "-", line)
			if (substr(line, 1, length(base)) != base) continue
			line = substr(line, length(base) + 1)
			if (line != "" && line ~ ("^" re "$")) print (base == "./" ? "" : base) line
		}
		close(cmd)
	}
	BEGIN { for (a = 1; a < ARGC; a++) brace(ARGV[a]); exit }' "$@" | LC_ALL=C sort -u
}

# options takes the flags of split and run.
options() {
	index=${CIRCLE_NODE_INDEX:-0} total=${CIRCLE_NODE_TOTAL:-1} by=name type=autodetect
	counts= default= timings=$_popsicle/timings file= command= verbose=
	while [ $# -gt 0 ]; do
		case $1 in
		--show-counts | --show-counts=true) counts=y; shift; continue ;;
		--show-counts=false) shift; continue ;;
		-v | --verbose) verbose=y; shift; continue ;;
		--*=*) flag=${1%%=*} value=${1#*=} ;;
		--*)
			[ $# -gt 1 ] || fail "$what: $1 needs a value"
			flag=$1 value=$2
			shift
			;;
		*) file=$1; shift; continue ;;
		esac
		shift
		case $flag in
		--index) index=$value ;;
		--total) total=$value ;;
		--split-by) by=$value ;;
		--timings-type) type=$value ;;
		--time-default) default=$value ;;
		--timings-file) timings=$value; [ -r "$value" ] || fail "$what: --timings-file $value cannot be read" ;;
		--command) command=$value ;;
		*) fail "$what: there is no flag $flag" ;;
		esac
	done
	case $index$total in *[!0-9]*) fail "$what: --index $index --total $total must be whole numbers" ;; esac
	[ "${index:-0}" -lt "${total:-0}" ] || fail "$what: --index $index must be less than --total $total"
	case $by in name | filesize | timings) ;; *) fail "$what: --split-by $by: there are name, filesize and timings" ;; esac
	case $type in
	file) type=filename ;;
	class) type=classname ;;
	name) type=testname ;;
	filename | classname | testname | autodetect) ;;
	*) fail "$what: --timings-type $type: there are filename, classname, testname and autodetect" ;;
	esac
}

# share prints this node's part of the lines it reads: the heaviest goes first,
# to the node with the least so far, and what weighs the same by name, in turn.
# Every node reads the same lines and comes to the same parts.
share() {
	_lines=$(awk 'NF')
	[ "$_lines" ] || return 0
	case $by in
	name) printf '%s\n' "$_lines" | awk '{ print "0\t" $0 }' ;;
	filesize) weigh_files ;;
	timings) weigh_timings ;;
	esac | LC_ALL=C sort -t "$(printf '\t')" -k1,1nr -k2 | _index=$index _total=$total _counts=$counts LC_ALL=C awk '
	BEGIN { mine = ENVIRON["_index"]; total = ENVIRON["_total"] }
	{
		tab = index($0, "\t")
		best = 0
		for (i = 1; i < total; i++)
			if (load[i] + 0 < load[best] + 0 || load[i] + 0 == load[best] + 0 && count[i] + 0 < count[best] + 0) best = i
		load[best] += substr($0, 1, tab - 1)
		count[best]++
		if (best == mine) print substr($0, tab + 1)
	}
	END {
		if (ENVIRON["_counts"]) for (i = 0; i < total; i++) printf "node %d: %d of %d\n", i, count[i], NR | "cat 1>&2"
	}'
}

weigh_files() {
	{
		printf '%s\n' "$_lines" | tr '\n' '\0' | xargs -0 stat -c '%s %n' 2>/dev/null
		echo
		printf '%s\n' "$_lines"
	} | awk '
	!names && $0 == "" { names = 1; next }
	!names { space = index($0, " "); size[substr($0, space + 1)] = substr($0, 1, space - 1); next }
	{ print (($0 in size) ? size[$0] : 0) "\t" $0 }'
}

# weigh_timings takes how long each test took from the timings, lines of a
# type, a name and seconds with tabs between them. Tests without a time count
# as the average.
weigh_timings() {
	[ -r "$timings" ] || timings=/dev/null
	printf '%s\n' "$_lines" | _file=$timings _type=$type _default=$default LC_ALL=C awk '
	function seconds(s, sum, unit) {
		while (match(s, /^[0-9.]+(ms|[hms])?/)) {
			unit = substr(s, 1, RLENGTH)
			s = substr(s, RLENGTH + 1)
			sum += unit * (unit ~ /ms$/ ? 0.001 : unit ~ /h$/ ? 3600 : unit ~ /m$/ ? 60 : 1)
		}
		return sum
	}
	{ name[++n] = $0; sub(/^\.\//, "", $0); key[n] = $0; wanted[$0] = 1 }
	END {
		while ((getline line < ENVIRON["_file"]) > 0) {
			split(line, f, "\t")
			sub(/^\.\//, "", f[2])
			if (f[2] in wanted && !((f[1], f[2]) in time)) { time[f[1], f[2]] = f[3]; hits[f[1]]++ }
		}
		type = ENVIRON["_type"]
		if (type == "autodetect") {
			type = "filename"
			if (hits["classname"] + 0 > hits[type] + 0) type = "classname"
			if (hits["testname"] + 0 > hits[type] + 0) type = "testname"
			what = "Error auto-detecting timing type, falling back to weighting by name."
		} else what = "Requested historical based timing, but they are not present. Falling back to name based sorting"
		if (!hits[type]) {
			print what | "cat 1>&2"
			for (i = 1; i <= n; i++) print "0\t" name[i]
			exit
		}
		for (i = 1; i <= n; i++) if ((type, key[i]) in time) { sum += time[type, key[i]]; known++ }
		other = ENVIRON["_default"] == "" ? sum / known : seconds(ENVIRON["_default"])
		for (i = 1; i <= n; i++) printf "%.6f\t%s\n", ((type, key[i]) in time) ? time[type, key[i]] : other, name[i]
	}'
}

split() {
	what='tests split'
	options "$@"
	if [ "$file" ] && [ "$file" != - ]; then
		[ -r "$file" ] || fail "tests split: $file cannot be read"
		share <"$file"
	else
		share
	fi
}

# run_tests gives this node's part to the standard input of a command.
run_tests() {
	what='tests run'
	options "$@"
	[ "$command" ] || fail 'tests run: --command is missing: circleci tests run --command="xargs pytest"'
	_mine=$(share) || exit
	if [ -z "$_mine" ]; then
		echo 'circleci tests run: no tests for this node: the command is not run' >&2
		return 0
	fi
	[ "$verbose" ] && printf '%s\n' "$_mine" >&2
	_sh=sh
	[ -x /bin/bash ] && _sh=/bin/bash
	printf '%s\n' "$_mine" | "$_sh" -c "$command"
}

case "${1-} ${2-}" in
'step halt' | 'task halt') halt ;;
'env subst') shift 2; subst "$@" ;;
'tests glob') shift 2; glob "$@" ;;
'tests split') shift 2; split "$@" ;;
'tests run') shift 2; run_tests "$@" ;;
'run oidc') fail 'run oidc: there is no identity provider here: popsicle has no OIDC tokens' ;;
'run release') echo 'circleci (popsicle): run release: nothing is told to CircleCI from here' >&2 ;;
*) pass "$@" ;;
esac
