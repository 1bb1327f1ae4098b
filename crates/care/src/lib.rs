//! What an electronic health record *does*, one folder per service line.

pub mod demo;
