//! Buffers that grow.
//!
//! The second paragraph.

use std::fmt;

/// How many at most.
pub const LIMIT: usize = 10; // a trailing comment

/// A buffer.
#[derive(Debug, Clone)]
pub struct Buffer<T> {
    /// What it holds.
    items: Vec<T>,
}

impl<T: Clone> Buffer<T> {
    const EMPTY: usize = 0;

    /// Adds an item.
    ///
    /// # Panics
    /// If it is full.
    #[inline]
    #[must_use]
    pub fn push(&mut self, item: T) -> usize {
        fn check(n: usize) -> bool {
            n < LIMIT
        }
        self.items.push(item);
        self.items.len()
    }
}

impl<T> fmt::Display for Buffer<T>
where
    T: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ünï")
    }
}

pub trait Store {
    type Key;

    /// Finds one.
    fn find(&self, key: Self::Key) -> Option<String>;
    fn undocumented(&self);
    fn all(&self) -> Vec<String> {
        vec![]
    }
}

/** Which way. */
enum Direction {
    Left,
    Right(u8),
}

type Pair = (i32, i32);

mod inner {
    pub(crate) async unsafe fn run<'a>(x: &'a str) -> &'a str { x }
}

/// Makes a pair.
macro_rules! pair {
    ($a:expr) => {
        ($a, $a)
    };
}

fn broken( {
    let = ;
}

#[cfg(test)]
mod tests {
    #[test]
    fn after_the_error() {
        assert!(true);
    }
}
