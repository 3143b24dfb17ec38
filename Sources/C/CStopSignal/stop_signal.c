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

static void install(void) {
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

// A queue may send SIGUSR1 to a process that has only just been started, so this is the first code of the
// program to run: before the initializers of all libraries. While the system still loads these, for about
// ten milliseconds, no program can take a signal.
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = install;

int decaf_stop_signal(void) { return received; }

void decaf_stop_signal_uninstall(void) {
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
  if (received) raise(received);
}
