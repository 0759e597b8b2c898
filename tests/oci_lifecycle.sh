#!/bin/sh
# Drives an OCI runtime through the life cycle of the runtime specification, and
# checks each state and each refused transition.
#
#   [OCI_ID=ID] oci_lifecycle.sh DIR COMMAND [ARGS...]
#
# DIR is a directory of its own with a root file system in DIR/rootfs that has a
# busybox; COMMAND is the runtime with its global options. Ends with status 0 when
# all was as the specification says, else it tells what was not.
set -u

dir=$1
shift
id=${OCI_ID:-lifecycle-$$}
other="$id-2"
bundle=$dir/bundle
out=$dir/out
log=$dir/hooks
failures=0
checks=0

runtime() {
  "${RUNTIME_PROGRAM}" "$@"
}
# The words of COMMAND in one program, so that functions can call it.
RUNTIME_PROGRAM=$dir/runtime
{
  printf '#!/bin/sh\nexec'
  for word in "$@"; do printf " '%s'" "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done
  printf ' "$@"\n'
} > "$RUNTIME_PROGRAM"
chmod 755 "$RUNTIME_PROGRAM"

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*" >&2
}

# passes WHAT COMMAND...: it succeeds and says nothing
passes() {
  what=$1
  shift
  checks=$((checks + 1))
  "$@" > "$dir/stdout" 2> "$dir/stderr" < /dev/null ||
    fail "$what: status $?: $(cat "$dir/stderr")"
}

# refuses WHAT STATUS WORDS COMMAND...: it fails with that status and says that
refuses() {
  what=$1 wanted=$2 words=$3
  shift 3
  checks=$((checks + 1))
  "$@" > "$dir/stdout" 2> "$dir/stderr" < /dev/null
  got=$?
  [ "$got" = "$wanted" ] || fail "$what: status $got instead of $wanted"
  grep -qF -- "$words" "$dir/stderr" ||
    fail "$what: it does not say \"$words\": $(cat "$dir/stderr")"
}

# has WHAT TEXT WANTED
has() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] || fail "$1: \"$2\" instead of \"$3\""
}

member() { # member NAME of the state of ID $2
  runtime state "$2" 2> /dev/null |
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}
status() { member status "$1"; }

# until_status ID WANTED: waits up to 20 s
until_status() {
  tries=0
  while [ "$(status "$1")" != "$2" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.2
  done
  has "the status of $1" "$(status "$1")" "$2"
}

hook() { # a hook that notes the status it is told
  printf '{ "path": "/bin/sh", "args": ["sh", "-c", "{ %s; echo; } >> %s"] }' \
    "sed 's/.*\\\"status\\\": *\\\"\\\\([a-z]*\\\\)\\\".*/$1 \\\\1/'" "$log"
}

# config PROGRAM [MORE]: writes config.json; MORE are further members
config() {
  cat > "$bundle/config.json" << EOF
{
  "ociVersion": "1.0.2",
  "root": { "path": "$dir/rootfs" },
  "process": {
    "cwd": "/",
    "args": ["/bin/sh", "-c", "$1"],
    "env": ["PATH=/bin:/usr/bin"],
    "user": { "uid": 0, "gid": 0 }
  },
  "annotations": { "org.example.colour": "green" },
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/out", "type": "bind", "source": "$out", "options": ["bind", "rw"] }
  ],
  "linux": {
    "cgroupsPath": "/$id/$id",
    "namespaces": [
      { "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }
    ]
  }${2:+,}${2:-}
}
EOF
}

create() { # create ID: as engines do, without streams of ours
  runtime create --bundle "$bundle" --pid-file "$dir/pid" "$1" \
    > "$dir/container.out" 2>&1 < /dev/null ||
    { code=$?; cat "$dir/container.out" >&2; return $code; }
}

clean_up() {
  runtime delete --force "$id" > /dev/null 2>&1
  runtime delete --force "$other" > /dev/null 2>&1
}
trap clean_up EXIT
mkdir -p "$bundle" "$out"

# --- what there is not
refuses "state of a missing container" 1 "container does not exist" runtime state "$id"
refuses "start of a missing container" 1 "container does not exist" runtime start "$id"
refuses "kill of a missing container" 1 "container does not exist" runtime kill "$id"
refuses "delete of a missing container" 1 "container does not exist" runtime delete "$id"
refuses "exec in a missing container" 255 "container does not exist" runtime exec "$id" true
passes "delete --force of a missing container" runtime delete --force "$id"
refuses "state without an id" 1 "requires exactly 1" runtime state
refuses "an empty id" 1 "container id cannot be empty" runtime state ""
refuses "create with a path for an id" 1 "invalid container ID format" \
  runtime create --bundle "$bundle" ../evil
refuses "an unknown command" 3 "frobnicate" runtime frobnicate
refuses "a bundle without config.json" 1 "config.json not found" create "$id"
refuses "a bundle that is missing" 1 "does not exist" \
  runtime create --bundle "$dir/none" "$id"
echo '{ "ociVersion": ' > "$bundle/config.json"
refuses "a config.json that is cut off" 1 "config.json" create "$id"
refuses "what was never made has no state" 1 "container does not exist" runtime state "$id"

# --- created
config "echo ran > /out/ran; exec sleep 1000" "\"hooks\": {
  \"prestart\": [$(hook prestart)],
  \"createRuntime\": [$(hook createRuntime)],
  \"createContainer\": [$(hook createContainer)],
  \"poststart\": [$(hook poststart)],
  \"poststop\": [$(hook poststop)]
}"
passes "create" create "$id"
has "the status after create" "$(status "$id")" created
has "the pid file" "$(cat "$dir/pid")" "$(member pid "$id")"
has "the bundle" "$(member bundle "$id")" "$(cd "$bundle" && pwd -P)"
has "the version" "$(member ociVersion "$id")" "1.0.2"
has "the id" "$(member id "$id")" "$id"
has "the annotations" "$(member org.example.colour "$id")" green
kill -0 "$(cat "$dir/pid")" 2> /dev/null || fail "no process waits for its start"
has "what ran before start" "$(ls "$out")" ""
has "the hooks of create" "$(tr '\n' ' ' < "$log")" \
  "prestart creating createRuntime creating createContainer creating "
refuses "create with the id of a container" 1 \
  "container with given ID already exists" create "$id"
has "the status after a refused create" "$(status "$id")" created
passes "exec in a created container" runtime exec "$id" true

# --- running
config "echo wrong > /out/wrong"
passes "start" runtime start "$id"
until_status "$id" running
has "the hooks of start" "$(tail -n 1 "$log")" "poststart running"
tries=0
while [ ! -s "$out/ran" ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
has "what ran: the program of create, whatever became of the file" "$(ls "$out")" ran
refuses "start of a running container" 1 \
  "cannot start an already running container" runtime start "$id"
refuses "delete of a running container" 1 "that is not stopped" runtime delete "$id"
has "the status after refused commands" "$(status "$id")" running
refuses "an unknown signal" 1 "unknown signal" runtime kill "$id" FROB
passes "exec" runtime exec "$id" sh -c 'test "$(cat /out/ran)" = ran'
runtime exec "$id" sh -c 'exit 23' > /dev/null 2>&1 < /dev/null
has "the status of an exec'ed program" $? 23
refuses "exec of a program that is missing" 255 "executable file not found in" \
  runtime exec "$id" no-such-program

# --- stopped
passes "kill" runtime kill "$id" KILL
until_status "$id" stopped
has "the pid of a stopped container" "$(member pid "$id")" 0
refuses "kill of a stopped container" 1 "container not running" runtime kill "$id" TERM
passes "kill --all of a stopped container" runtime kill --all "$id" KILL
refuses "start of a stopped container" 1 \
  "cannot start a container that has stopped" runtime start "$id"
refuses "exec in a stopped container" 255 "cannot exec in a stopped container" \
  runtime exec "$id" true
refuses "create with the id of a stopped container" 1 \
  "container with given ID already exists" create "$id"

# --- deleted
passes "delete" runtime delete "$id"
has "the hook of delete" "$(tail -n 1 "$log")" "poststop stopped"
refuses "state of a deleted container" 1 "container does not exist" runtime state "$id"
refuses "delete of a deleted container" 1 "container does not exist" runtime delete "$id"

# --- short cuts
config "exec sleep 1000"
passes "create with an id that is free again" create "$id"
passes "kill of a created container" runtime kill "$id" KILL
until_status "$id" stopped
refuses "start of one killed before its start" 1 "has stopped" runtime start "$id"
passes "delete of one killed before its start" runtime delete "$id"
passes "create to be deleted" create "$id"
passes "delete of a created container" runtime delete "$id"
passes "create to be forced" create "$id"
passes "start to be forced" runtime start "$id"
passes "delete --force of a running container" runtime delete --force "$id"
refuses "state of a forced container" 1 "container does not exist" runtime state "$id"
config "exit 3"
passes "create of a short program" create "$id"
passes "start of a short program" runtime start "$id"
until_status "$id" stopped
passes "delete of a short program" runtime delete "$id"
runtime run --bundle "$bundle" "$id" < /dev/null > /dev/null 2>&1
has "the status of run" $? 3
refuses "state after run" 1 "container does not exist" runtime state "$id"

# --- what fails is taken back
config "true" '"hooks": { "createRuntime": [{ "path": "/bin/false" }] }'
refuses "create with a hook that fails" 1 "createRuntime" create "$id"
refuses "state after a hook has failed" 1 "container does not exist" runtime state "$id"
config "true"
sed 's|"/bin/sh", "-c", "true"|"/no/such/program"|' "$bundle/config.json" > "$dir/new"
mv "$dir/new" "$bundle/config.json"
refuses "create of a program that is missing" 1 "no such file or directory" create "$id"
refuses "state after that" 1 "container does not exist" runtime state "$id"

# --- at the same time
config "exec sleep 1000"
passes "create to be started twice" create "$id"
for n in 1 2 3; do
  (runtime start "$id" > /dev/null 2>&1 < /dev/null; echo $? > "$dir/start.$n") &
done
wait
has "starts of which one succeeds" "$(cat "$dir"/start.* | sort | tr '\n' ' ')" "0 1 1 "
for n in 1 2 3; do
  (runtime delete --force "$id" > /dev/null 2>&1 < /dev/null; echo $? > "$dir/delete.$n") &
done
wait
has "forced deletes, which all succeed" "$(cat "$dir"/delete.* | sort -u)" 0
for n in 1 2 3; do
  (
    runtime create --bundle "$bundle" "$other" > /dev/null 2>&1 < /dev/null
    echo $? > "$dir/create.$n"
  ) &
done
wait
has "creates of which one succeeds" "$(cat "$dir"/create.* | sort | tr '\n' ' ')" "0 1 1 "
has "the status of the one" "$(status "$other")" created
passes "its removal" runtime delete "$other"

for group in $(find /sys/fs/cgroup -maxdepth 3 -type d -name "$id" 2> /dev/null); do
  [ -z "$(find "$group" -mindepth 1 -type d 2> /dev/null)" ] ||
    fail "a cgroup is left: $group"
  # The parent was made on the way; engines keep theirs.
  rmdir "$group" 2> /dev/null
done
echo "$checks checks, $failures failed"
[ "$failures" = 0 ]
