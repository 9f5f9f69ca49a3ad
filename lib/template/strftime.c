/* strftime_now: a time by Python's format codes, in English whatever the locale. */
#include "base/text.h"
#include "functions.h"

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static bool is_leap(int32_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int32_t days_in(int32_t year, int32_t month) {
    static const int32_t n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return n[month - 1] + (month == 2 && is_leap(year));
}

/* From 0. */
static int32_t day_of_year(const inlay__time *t) {
    int32_t n = t->day - 1;
    for (int32_t month = 1; month < t->month; month++) n += days_in(t->year, month);
    return n;
}

/* 0 is Sunday. */
static int32_t day_of_week(const inlay__time *t) {
    int32_t y = t->year - 1;
    return (y * 365 + y / 4 - y / 100 + y / 400 + day_of_year(t) + 1) % 7;
}

static void put_number(char *out, size_t *n, int32_t value, int32_t digits, char fill) {
    for (int32_t i = digits; i-- > 0; value /= 10) {
        bool lead = value == 0 && i < digits - 1;
        out[*n + (size_t)i] = (char)(lead ? fill : '0' + value % 10);
    }
    *n += (size_t)digits;
}

static void put_text(char *out, size_t *n, const char *text, size_t size) {
    memcpy(out + *n, text, size);
    *n += size;
}

/* The ISO week that the day is in, and its year. */
static void iso_week(const inlay__time *t, int32_t *year, int32_t *week) {
    int32_t weekday = (day_of_week(t) + 6) % 7, day = day_of_year(t);
    *year = t->year;
    *week = (day - weekday + 10) / 7; /* the number of the week's Thursday */
    inlay__time last = {.year = t->year - 1, .month = 12, .day = 31};
    if (*week < 1) {
        iso_week(&last, year, week); /* a day late in December is never in a week 0 */
        return;
    }
    inlay__time next = {.year = t->year + 1, .month = 1, .day = 1};
    int32_t first = (day_of_week(&next) + 6) % 7, length = 365 + is_leap(t->year);
    if (first <= 3 && day >= length - first) {
        *week = 1;
        ++*year;
    }
}

static int32_t hour_12(const inlay__time *t) { return t->hour % 12 == 0 ? 12 : t->hour % 12; }

/* One code, of at most 64 bytes; false for one that is not known. */
static bool put_code(const inlay__time *t, char code, char flag, char *out, size_t *n) {
    int32_t year, week, weekday = day_of_week(t), day = day_of_year(t);
    char fill = flag == '_' ? ' ' : '0';
    size_t start = *n;
    switch (code) {
    case 'Y': put_number(out, n, t->year, 4, '0'); break;
    case 'y': put_number(out, n, t->year % 100, 2, fill); break;
    case 'C': put_number(out, n, t->year / 100, 2, fill); break;
    case 'm': put_number(out, n, t->month, 2, fill); break;
    case 'd': put_number(out, n, t->day, 2, fill); break;
    case 'e': put_number(out, n, t->day, 2, ' '); break;
    case 'H': put_number(out, n, t->hour, 2, fill); break;
    case 'I': put_number(out, n, hour_12(t), 2, fill); break;
    case 'k': put_number(out, n, t->hour, 2, ' '); break;
    case 'l': put_number(out, n, hour_12(t), 2, ' '); break;
    case 'M': put_number(out, n, t->minute, 2, fill); break;
    case 'S': put_number(out, n, t->second, 2, fill); break;
    case 'f': put_number(out, n, t->microsecond, 6, '0'); break;
    case 'j': put_number(out, n, day + 1, 3, fill); break;
    case 'u': put_number(out, n, weekday == 0 ? 7 : weekday, 1, '0'); break;
    case 'w': put_number(out, n, weekday, 1, '0'); break;
    case 'U': put_number(out, n, (day + 7 - weekday) / 7, 2, fill); break;
    case 'W': put_number(out, n, (day + 7 - (weekday + 6) % 7) / 7, 2, fill); break;
    case 'V': iso_week(t, &year, &week); put_number(out, n, week, 2, fill); break;
    case 'G': iso_week(t, &year, &week); put_number(out, n, year, 4, '0'); break;
    case 'A': put_text(out, n, days[weekday], strlen(days[weekday])); break;
    case 'a': put_text(out, n, days[weekday], 3); break;
    case 'B': put_text(out, n, months[t->month - 1], strlen(months[t->month - 1])); break;
    case 'b':
    case 'h': put_text(out, n, months[t->month - 1], 3); break;
    case 'p': put_text(out, n, t->hour < 12 ? "AM" : "PM", 2); break;
    case 'P': put_text(out, n, t->hour < 12 ? "am" : "pm", 2); break;
    case 'n': put_text(out, n, "\n", 1); break;
    case 't': put_text(out, n, "\t", 1); break;
    case '%': put_text(out, n, "%", 1); break;
    case 'Z':
    case 'z': break; /* a time without a zone */
    default: return false;
    }
    if (flag != '-') return true;
    size_t skip = start;
    while (skip + 1 < *n && (out[skip] == '0' || out[skip] == ' ')) skip++;
    memmove(out + start, out + skip, *n - skip);
    *n -= skip - start;
    return true;
}

/* Codes that stand for several. */
static const char *expansion(char code) {
    switch (code) {
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'T':
    case 'X': return "%H:%M:%S";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'c': return "%a %b %e %H:%M:%S %Y";
    default: return NULL;
    }
}

static int32_t put_format(inlay__machine *m, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char out[64];
        size_t n = 0;
        if (text[i] != '%' || i + 1 == size) {
            INLAY__TRY(inlay__out_text(m, text + i, 1));
            continue;
        }
        char flag = text[i + 1] == '-' || text[i + 1] == '_' ? text[++i] : '\0';
        char code = i + 1 < size ? text[++i] : '%';
        const char *longer = expansion(code);
        if (longer != NULL) {
            for (const char *c = longer; *c != '\0'; c++) {
                if (*c == '%')
                    put_code(&m->now, *++c, '\0', out, &n);
                else
                    out[n++] = *c;
            }
        } else if (!put_code(&m->now, code, flag, out, &n)) {
            out[n++] = '%';
            out[n++] = code;
        }
        INLAY__TRY(inlay__out_text(m, out, n));
    }
    return INLAY_OK;
}

int32_t inlay__strftime(inlay__machine *m, const inlay__string *format, inlay__value *result) {
    size_t start = m->n_out;
    INLAY__TRY(inlay__charge(m, format->size));
    INLAY__TRY(put_format(m, format->text, format->size));
    return inlay__out_take(m, start, result);
}

/* ------------------------------------------------------------------ reading */

static bool read_number(const char *text, size_t size, size_t *i, size_t digits, int32_t *value) {
    *value = 0;
    if (size - *i < digits) return false;
    for (size_t end = *i + digits; *i < end; ++*i) {
        if (text[*i] < '0' || text[*i] > '9') return false;
        *value = *value * 10 + (text[*i] - '0');
    }
    return true;
}

bool inlay__time_read(const char *text, size_t size, inlay__time *time) {
    inlay__time t = {.year = 0};
    size_t i = 0;
    if (!read_number(text, size, &i, 4, &t.year) || i == size || text[i++] != '-') return false;
    if (!read_number(text, size, &i, 2, &t.month) || i == size || text[i++] != '-') return false;
    if (!read_number(text, size, &i, 2, &t.day)) return false;
    if (t.year < 1 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > days_in(t.year, t.month)) return false;
    if (i < size) {
        if (text[i] != 'T' && text[i] != ' ') return false;
        i++;
        if (!read_number(text, size, &i, 2, &t.hour) || i == size || text[i++] != ':') return false;
        if (!read_number(text, size, &i, 2, &t.minute)) return false;
        if (i < size && (text[i++] != ':' || !read_number(text, size, &i, 2, &t.second))) return false;
        if (i < size && text[i] == '.') {
            int32_t digit, scale = 100000;
            for (i++; i < size && read_number(text, size, &i, 1, &digit); scale /= 10) t.microsecond += digit * scale;
        }
        if (i < size && text[i] == 'Z') i++;
    }
    if (i != size || t.hour > 23 || t.minute > 59 || t.second > 59) return false;
    *time = t;
    return true;
}
