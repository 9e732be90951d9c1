/* Copyright 2024. All rights reserved. */
#include <stdio.h>

#define LIMIT 10 /* a trailing comment */

/* The larger of two. */
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define SWAP(a, b) \
    do { \
        int t = a; \
        a = b; \
        b = t; \
    } while (0)

/* A node of a list. */
struct node {
    int value; /* what it holds */
    struct node *next;
};

typedef struct {
    int x, y;
} point_t;

typedef enum color { RED, GREEN } color;

union word { int i; float f; };

typedef int (*callback)(int);

/** Declared here, defined elsewhere. */
extern int declared(const char *name);
int undocumented(void);

/*
 * Finds a node.
 *
 * Returns NULL if there is none.
 */
static struct node *find(struct node *head, int value)
{
    while (head && head->value != value)
        head = head->next;
    return head;
}

// Line comments document as well.
char **names(void) { return NULL; }

int (*choose(int which))(int) { return NULL; }

int old_style(a, b)
    int a;
    int b;
{
    return a + b;
}

#ifdef DEBUG
void trace(void) { puts("ünï"); }
#endif

/* Exported, and its type comes after a macro. */
EXPORT_API int exported(int a)
{
  return a;
}

/* Both widths. */
#if defined(WIDE)
long widened(long a)
#else
int widened(int a)
#endif
{
  return a * 2;
}

/* Reads from a descriptor. */
SYSCALL_DEFINE3(read_all, unsigned int, fd, char *, buf)
{
  return 0;
}

int broken( {
    int = ;
}

int main(int argc, char **argv)
{
    return 0;
}
