//! How points and metadata travel: frames, operations, answers.
