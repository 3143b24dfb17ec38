#include "CStopSignal.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t received = 0;
static const int signals[] = {SIGUSR1, SIGTERM, SIGINT};

static void note(int number) {
  received = number;
  // A second SIGINT or SIGTERM ends the process at once.
  if (number != SIGUSR1) signal(number, SIG_DFL);
}

// Before main, and before the Swift runtime does anything: a queue may send SIGUSR1 to a process that
// has only just been started.
__attribute__((constructor(101))) static void install(void) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    sigaddset(&wanted, signals[i]);
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signals[i], &action, NULL);
  }
  sigprocmask(SIG_UNBLOCK, &wanted, NULL);  // a parent may have blocked them
}

int decaf_stop_signal(void) { return received; }

void decaf_stop_signal_uninstall(void) {
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
  if (received) raise(received);
}
