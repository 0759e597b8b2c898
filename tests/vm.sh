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
log=$(mktemp) || exit 1
trap 'rm -f "$log"; rm -rf "$stage"' EXIT

# One start of the program takes seconds there, so most tests start containers
# in their own process.
files=(tests/root/limits_test.ts tests/root/limits_files_test.ts
	tests/root/freeze_test.ts tests/root/stats_test.ts
	tests/root/notify_test.ts tests/root/events_test.ts
	tests/root/labels_test.ts tests/root/update_test.ts
	tests/root/systemd_driver_test.ts)
more=(tests/root/network_test.ts)
# Some hundred starts with a look around after each: a quarter of an hour.
[ "${NSINIT_TEST_FULL:-}" != 1 ] || more+=(tests/root/faults_test.ts)

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
	cli.ts "${files[@]}" "${more[@]}") || exit 1

# run NAME VM-OPTION... -- FILE...: the test files in a fresh machine
run() {
	local name=$1 options=() status summary
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	echo "== $name"
	# shellcheck disable=SC2016 # for the machine's shell
	"$vm" run --dir "$stage:$stage" --timeout 2400 --env NO_COLOR=1 \
		--env "DENO_DIR=$stage/.deno" --env "BUILD=$build" "${options[@]}" -- \
		bash -c 'if [ -n "$BUILD" ]; then
				ls /usr/lib/x86_64-linux-gnu/libseccomp.a /bin/busybox || exit 1
				make -s -C c lib || exit 1
			fi
			exec deno test -A --no-check --no-lock "$@"' sh "$@" 2>&1 |
		tee "$log"
	status=${PIPESTATUS[0]}

	summary=$(tr -d '\r' <"$log" | grep -E '^(ok|FAILED) \| ' | tail -n 1)
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

run "cgroup v2 below a minimal init" --profiles -- "${files[@]}" "${more[@]}"
run "cgroup v2 in a delegated group of systemd" --systemd -- "${files[@]}"
finish
