// Requests to stop, by signal; taken over before main, since they may come at any moment.
#pragma once

// The signal that asked for a stop: SIGUSR1, SIGTERM or SIGINT; 0 when none did.
int decaf_stop_signal(void);

// Gives the signals back to the system; one that has come already ends the process now.
void decaf_stop_signal_uninstall(void);
