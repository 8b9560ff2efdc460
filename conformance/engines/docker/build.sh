# shellcheck shell=bash
# docker build, by the daemon's own builder and by BuildKit.

_context() {
  mkdir "$1"
  echo words >"$1/words"
  printf '%s\n' 'FROM busybox' 'COPY words /words' 'RUN tr a-z A-Z </words >/loud' 'USER app' \
    'RUN id -u >/home/app/who' 'CMD ["cat", "/loud", "/home/app/who"]' >"$1/Dockerfile"
}

run_instructions_of_a_build() {
  _context "$work/context"
  DOCKER_BUILDKIT=0 docker build --quiet --network none --tag built "$work/context"
  prints $'WORDS\n1000' docker run --rm built
  docker rmi built
}

run_instructions_of_buildkit() {
  _context "$work/kit"
  DOCKER_BUILDKIT=1 docker build --quiet --network none --tag built "$work/kit"
  prints $'WORDS\n1000' docker run --rm built
  docker rmi built
}

a_run_instruction_that_fails_names_its_status() {
  mkdir "$work/broken"
  printf '%s\n' 'FROM busybox' 'RUN exit 9' >"$work/broken/Dockerfile"
  exits 1 env DOCKER_BUILDKIT=1 docker build --network none "$work/broken" 2>"$work/err"
  matches 'exit code: 9' "$(<"$work/err")"
}
