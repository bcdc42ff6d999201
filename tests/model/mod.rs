//! A model of the layer: what a batch must dispatch, and what its client must read.
//!
//! [`predict`](predict::predict) is a pure function of a [`Batch`](batch::Batch): its items,
//! settings and headers, and the faults that the inner service is told to have. It is written from
//! the documentation, and does not use the code of the crate. [`check`] runs the batch, and
//! compares.
//!
//! The tests of the crate and the fuzz targets both have this folder as a module. Its parsers of
//! responses are not those of the crate either.

pub(crate) mod batch;
pub(crate) mod check;
mod dice;
pub(crate) mod exchange;
pub(crate) mod faults;
mod generate;
pub(crate) mod parts;
pub(crate) mod passed_on;
pub(crate) mod predict;
pub(crate) mod read;
pub(crate) mod requests;
mod responses;
pub(crate) mod service;
mod urls;
pub(crate) mod write;
pub(crate) mod xml;

pub(crate) use check::check;
pub(crate) use dice::Dice;
pub(crate) use generate::generate;
