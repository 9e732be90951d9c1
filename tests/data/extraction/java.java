/*
 * Licensed under the Apache License, Version 2.0.
 */
package org.example;

import java.util.List;

/**
 * A queue with a bound.
 *
 * @param <T> what it holds
 */
@SuppressWarnings("unchecked")
public class BoundedQueue<T> extends Base implements Iterable<T> {
    private final int bound = 10; // a trailing comment

    /** Makes one. */
    public BoundedQueue(int bound) {
        super(bound);
    }

    /**
     * Adds an item.
     *
     * @param item what to add
     * @return whether there was room
     */
    @Override
    @Deprecated
    public synchronized <S extends T> boolean offer(S item) throws IllegalStateException {
        Runnable r = new Runnable() {
            public void run() { }
        };
        return true;
    }

    abstract int undocumented();

    enum State {
        OPEN { boolean accepts() { return true; } },
        CLOSED;

        boolean accepts() { return false; }
    }

    interface Visitor<R> {
        /** Sees one item. */
        R visit(Object item);

        default void done() { }
    }

    record Point(int x, int y) {
        Point {
            if (x < 0) throw new IllegalArgumentException();
        }
    }

    @interface Marker { String value() default ""; }

    static {
        System.loadLibrary("queue");
    }

    void broken( {
        int = ;
    }

    // Line comments document as well.
    int afterTheError() {
        return 1;
    }
}
