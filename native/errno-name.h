/* Names and texts of errno values, as Node's own errors have them. */
#ifndef ASYNCTCP_ERRNO_NAME_H
#define ASYNCTCP_ERRNO_NAME_H

/* "EACCES"; "EUNKNOWN" for one that is not in the table. */
const char *errno_name(int error);

/* "permission denied"; "unknown error" for one that is not in the table. */
const char *errno_text(int error);

#endif
