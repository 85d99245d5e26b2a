//! A stand-in for Apple's iCloud Photos web services, for tests and for `photosfs demo`.
