#!/bin/sh
# What a job of a setup config finds as curl. A call of CircleCI's continuation
# API is popsicle's business: what it posts is kept in a file beside this
# script, which popsicle reads when the job has ended, and it is answered as
# CircleCI would. All other calls are the real curl's.

here=${0%/*}
asked=$here/continuation

ours=
for arg; do
	case $arg in
	*/api/v2/pipeline/continue | */api/v2/pipeline/continue/) ours=y ;;
	esac
done

if [ ! "$ours" ]; then
	IFS=:
	for folder in $PATH; do
		[ "$folder" != "$here" ] && [ -x "$folder/curl" ] && exec "$folder/curl" "$@"
	done
	echo "curl: this image has none; popsicle stands in for it only to continue a pipeline" >&2
	exit 127
fi

body=$here/body-$$
output=- format= fail= posted=
: >"$body"

# post adds a value of --data to the body: text, or @FILE.
post() {
	[ "$posted" ] && printf '&' >>"$body"
	posted=y
	case $1 in
	@-) cat >>"$body" ;;
	@*) cat -- "${1#@}" >>"$body" || exit 26 ;;
	*) printf %s "$1" >>"$body" ;;
	esac
}

# option takes an option that has a value.
option() {
	case $1 in
	d | data | data-ascii | data-binary | json) post "$2" ;;
	data-raw) posted=y && printf %s "$2" >>"$body" ;;
	o | output) output=$2 ;;
	w | write-out) format=$2 ;;
	esac
}

# The value of an option that is not known here is taken for a URL, and so
# does no harm.
while [ $# -gt 0 ]; do
	case $1 in
	--data | --data-* | --json | --output | --write-out | --header | --user-agent)
		option "${1#--}" "$2"
		shift
		;;
	--fail | --fail-with-body) fail=y ;;
	--*) ;;
	-?*)
		letters=${1#-}
		while [ "$letters" ]; do
			rest=${letters#?}
			letter=${letters%"$rest"}
			letters=$rest
			case $letter in
			[AbcCDeEFHKmoPQrtTuUwxXyYzd])
				[ "$rest" ] || { rest=$2 && shift; }
				option "$letter" "$rest"
				letters=
				;;
			f) fail=y ;;
			esac
		done
		;;
	esac
	shift
done

code=200 message=accepted
if [ ! "$posted" ]; then
	code=400 message="the body is missing"
elif ! (set -C && cat "$body" >"$asked") 2>/dev/null; then
	code=400 message="the pipeline was continued already"
fi
rm -f "$body"

case $output in
- | /dev/stdout) printf '{"message":"%s"}\n' "$message" ;;
/dev/stderr) printf '{"message":"%s"}\n' "$message" >&2 ;;
*) printf '{"message":"%s"}\n' "$message" >"$output" ;;
esac
for variable in '%{http_code}' '%{response_code}'; do
	while [ "${format#*"$variable"}" != "$format" ]; do
		format=${format%%"$variable"*}$code${format#*"$variable"}
	done
done
printf %b "$format"
[ "$code" = 200 ] || [ ! "$fail" ] || exit 22
