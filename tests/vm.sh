#!/bin/bash
# Runs the tests that cgroup v2 and AppArmor concern in a virtual machine: once
# below a minimal init, once in a delegated cgroup below systemd. Needs root and
# the tool ../shared/tools/vm beside the checkout, which keeps a Debian image.
#
# The machine has no hardware acceleration: it gets the library that was built
# here (or builds its own with --build, which takes minutes) and the modules
# already translated. The last line is `N passed, N failed, N skipped`.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
root=$PWD
vm=$root/../shared/tools/vm
stage=$root/build/vm
logs=$(mktemp -d) || exit 1
other=
trap '[ -z "$other" ] || pkill -P "$other"; rm -rf "$logs" "$stage"' EXIT

# What depends on the kind of cgroups and the labels. One start of the program
# takes seconds there: these start most containers in their own process. Below
# systemd again what finds, makes and moves groups; files of the kernel and the
# notices of them are the same in both.
minimal=(limits limits_files freeze stats notify events labels update
	rootless_cgroups network original oci_conformance_groups)
systemd=(limits freeze stats labels rootless_cgroups systemd_driver oci_systemd
	doctor)
# The rest of the library and of what users do without root; some hundred
# starts with a look around after each. The better part of an hour.
if [ "${NSINIT_TEST_FULL:-}" = 1 ]; then
	minimal+=(user_namespaces idmap api_lifecycle api_readme api_process api_streams
		hooks process_attributes propagation overlay_root host_root seccomp
		rootless security_rootless faults held warm anchor oci oci_mounts
		oci_lifecycle oci_exec oci_descriptors oci_inspect
		oci_limits oci_checkpoint security_oci security_overlay security_rootfs
		security_races
		checkpoint checkpoint_kinds restore watching)
	systemd+=(api_lifecycle original user_namespaces host_root overlay_root
		rootless security_rootless limits_files notify events update)
fi

limit=2400
[ "${NSINIT_TEST_FULL:-}" != 1 ] || limit=5400

passed=0 failed=0 skipped=0
finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

if [ ! -x "$vm" ]; then
	echo "SKIPPED: cgroup v2 and AppArmor: there is no $vm" >&2
	skipped=2
	finish
fi
if [ "$(id -u)" != 0 ]; then
	echo "SKIPPED: cgroup v2 and AppArmor: the virtual machine needs root" >&2
	skipped=2
	finish
fi

build=
[ "${1:-}" != --build ] || build=1
if [ -z "$build" ] && [ ! -e lib/libnsinit.so ]; then
	echo "Cannot test in a virtual machine: run \"deno task build\" first" >&2
	failed=1
	finish
fi

# The image is made once and kept by the tool; that takes minutes and a mirror.
if ! "$vm" info >/dev/null 2>&1; then
	deno=$(deno eval 'console.log(Deno.execPath())') || exit 1
	if ! "$vm" build --deno "$deno"; then
		echo "SKIPPED: cgroup v2 and AppArmor: the machine's image cannot be made" >&2
		skipped=2
		finish
	fi
fi

# A copy of what is needed, where the paths inside are the same as here, since
# translated modules are found by their paths.
rm -rf "$stage"
mkdir -p "$stage" || exit 1
tar -cf - --exclude=./build --exclude=./c/build --exclude=./.git . |
	tar -xf - -C "$stage" || exit 1
(cd "$stage" && DENO_DIR=$stage/.deno deno cache --no-check --quiet \
	cli.ts oci.ts mod.ts tests/root/*_test.ts) || exit 1

# timed: copies lines, and says of each test file how long it took
timed() {
	local line file='' start=0 next
	while IFS= read -r line; do
		line=${line%$'\r'}
		next=
		case $line in
		"running "*" from ./"*) next=${line#* from ./} ;;
		"ok | "* | "FAILED | "*) next=end ;;
		esac
		if [ -n "$next" ]; then
			[ -z "$file" ] || echo "-- $file: $((SECONDS - start)) s"
			file=$next start=$SECONDS
			[ "$next" != end ] || file=
		fi
		printf '%s\n' "$line"
	done
}

# run NAME VM-OPTION... -- TOPIC...: tests/root/TOPIC_test.ts in a fresh machine
run() {
	local name=$1 options=() status begin=$SECONDS
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	set -- "${@/#/tests/root/}"
	set -- "${@/%/_test.ts}"
	echo "== $name"
	# shellcheck disable=SC2016 # for the machine's shell
	"$vm" run --dir "$stage:$stage" --timeout "$limit" --env NO_COLOR=1 \
		--env "DENO_DIR=$stage/.deno" --env "BUILD=$build" \
		--env NSINIT_TEST_PATIENCE=6 --env "NSINIT_TEST_FULL=${NSINIT_TEST_FULL:-}" \
		"${options[@]}" -- \
		bash -c 'if [ -n "$BUILD" ]; then
				ls /usr/lib/x86_64-linux-gnu/libseccomp.a /bin/busybox || exit 1
				make -s -C c lib || exit 1
			fi
			exec deno test -A --no-check --no-lock "$@"' sh "$@" 2>&1 | timed
	status=${PIPESTATUS[0]}
	echo "== $name: $((SECONDS - begin)) s, status $status"
	return "$status"
}

# account NAME STATUS LOG: adds what a machine's output says of its tests
account() {
	local name=$1 status=$2 summary
	summary=$(grep -E '^(ok|FAILED) \| ' "$3" | tail -n 1)
	passed=$((passed + $(count "$summary" passed)))
	failed=$((failed + $(count "$summary" failed)))
	skipped=$((skipped + $(count "$summary" ignored)))
	# A machine that crashed gives no account of the tests.
	if [ "$status" -ne 0 ] && [ "$(count "$summary" failed)" -eq 0 ]; then
		echo "$name: ended with status $status" >&2
		failed=$((failed + 1))
	fi
}

count() {
	local number
	number=$(grep -oE "[0-9]+ $2" <<<"$1" | head -n 1)
	echo "${number%% *}" | grep -E '^[0-9]+$' || echo 0
}

# Both at once: each keeps hardly more than one processor busy.
run "cgroup v2 in a delegated group of systemd" --systemd -- "${systemd[@]}" \
	>"$logs/systemd" 2>&1 &
other=$!
run "cgroup v2 below a minimal init" --profiles -- "${minimal[@]}" 2>&1 |
	tee "$logs/minimal"
account "below a minimal init" "${PIPESTATUS[0]}" "$logs/minimal"
wait "$other"
status=$?
other=
cat "$logs/systemd"
account "below systemd" "$status" "$logs/systemd"
finish
