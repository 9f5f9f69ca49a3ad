/* Ctrl-C, the clock, and the bar that a terminal shows while something takes long. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- interrupt */

static volatile sig_atomic_t interrupted;
static inlay_session *volatile running_session;

static void on_interrupt(int signal_number) {
    inlay_session *session = running_session;

    (void)signal_number;
    interrupted = 1;
    if (session != NULL) inlay_session_cancel(session);
}

static void catch_interrupt(int flags) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = flags; /* without SA_RESTART: a read that waits returns */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void cli_catch_interrupt(void) { catch_interrupt((int)SA_RESETHAND); /* the second Ctrl-C kills */ }

void cli_interrupt_done(void) {
    interrupted = 0;
    catch_interrupt(0);
}

bool cli_interrupted(void) { return interrupted != 0; }

void cli_interrupt_session(inlay_session *session) { running_session = session; }

/* -------------------------------------------------------------------- clock */

double cli_seconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---------------------------------------------------------------------- bar */

enum { BAR_WIDTH = 30 };
static const double FIRST_DRAWN = 0.3, DRAWN_EVERY = 0.1; /* seconds */

static struct {
    const char *label; /* NULL: no bar */
    double next;       /* when to draw again */
    bool visible;
} bar;

static void draw(uint64_t done, uint64_t total) {
    char line[BAR_WIDTH + 1];
    double part = total > 0 && done <= total ? (double)done / (double)total : 1.0;
    size_t filled = (size_t)(part * BAR_WIDTH);

    memset(line, '.', BAR_WIDTH);
    memset(line, '#', filled);
    line[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3d %%", bar.label, line, (int)(part * 100));
    fflush(stderr);
    bar.visible = true;
}

int32_t cli_progress(void *user, uint64_t done, uint64_t total) {
    double now;

    (void)user;
    if (bar.label != NULL && (now = cli_seconds()) >= bar.next) {
        draw(done, total);
        bar.next = now + DRAWN_EVERY;
    }
    return interrupted != 0;
}

void cli_progress_begin(const char *label) {
    if (bar.visible) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        bar.visible = false;
    }
    bar.label = label != NULL && isatty(STDERR_FILENO) ? label : NULL;
    bar.next = cli_seconds() + FIRST_DRAWN;
}
