# Sourced by the batch scripts of this folder.
#
#   run_and_requeue OUTPUT COMMAND ...   runs a decaf command as a job step on all tasks; where it ends
#                                        early with its work kept, the job is queued again, as it was
#                                        submitted
#
# The command is started by srun, or by what $DECAF_LAUNCHER says ("mpirun"). A job that comes back
# $DECAF_RESTARTS times (3) without new work in its output ends with the command's status.

# What has grown when there is new work: the journal or checkpoint of the output, or the output itself.
progress_of() {
  stat -c '%n:%s:%Y' "$1/journal" "$1/progress" "$1.checkpoint" "$1/store.json" "$1" 2>/dev/null |
    cksum | tr ' ' -
}

run_and_requeue() {
  local output=$1 launcher status=0 mark before idle job
  shift
  launcher=${DECAF_LAUNCHER:-srun --mpi=pmix --kill-on-bad-exit=1}
  $launcher "$@" || status=$?
  case $status in
    # Stopped in time, or by SIGUSR1 while the program was still being loaded; or a rank was killed:
    # SIGBUS, SIGKILL, as MPI and Slurm report them.
    75 | 138 | 10 | 135 | 137 | 205 | 9) ;;
    *) exit "$status" ;;
  esac
  # Of an array this task alone: the number of its last task is that of the whole array, too.
  job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
  job=${job:-$SLURM_JOB_ID}
  # The job's comment remembers what was there at the last restart, and how often there was no more.
  mark=$(progress_of "$output")
  before=$(squeue -h -j "$job" -o %k)
  idle=0
  case $before in decaf:"$mark":*) idle=$((${before##*:} + 1)) ;; esac
  if [ "$idle" -ge "${DECAF_RESTARTS:-3}" ]; then
    echo "requeue: status $status, and $idle restarts brought no new work: giving up" >&2
    exit "$status"
  fi
  echo "requeue: status $status; job $job is queued again" >&2
  scontrol update JobId="$job" Comment="decaf:$mark:$idle"
  scontrol requeue "$job"
  # Slurm ends this script when it takes the job back.
  sleep 60
  exit "$status"
}
