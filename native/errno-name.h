/* Names and texts of errno values, as the errors of Node have them. */
#ifndef ASYNCTCP_ERRNO_NAME_H
#define ASYNCTCP_ERRNO_NAME_H

/* Returns the name, such as "EACCES"; "EUNKNOWN" for a value that is not in the table. */
const char *errno_name(int error);

/* Returns the text, such as "permission denied"; "unknown error" for a value that is not in the table. */
const char *errno_text(int error);

#endif
