//! Groups with real rows. Every test runs on SQLite, and on PostgreSQL with
//! `examples/transactions/postgres`, which sets `DATABASE_URL` and includes ignored tests.

mod conflicts;
mod database;
mod envelopes;
mod failures;
mod leaving;
mod proxy;
mod random;
mod routes;

/// Makes two tests of each function that takes a database: one on SQLite, one on PostgreSQL. Those
/// after the semicolon are for PostgreSQL only.
macro_rules! on_each_database {
    ($($test:ident),* $(,)? $(; $($other:ident),* $(,)?)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::database::Database::sqlite().await).await;
                }
            )*
        }
        mod postgres {
            crate::on_postgres!($($test)* $($($other)*)?);
        }
    };
}

macro_rules! on_postgres {
    ($($test:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs PostgreSQL: run examples/transactions/postgres"]
            async fn $test() {
                let name = concat!(module_path!(), "::", stringify!($test));
                super::$test(crate::database::Database::postgres(name).await).await;
            }
        )*
    };
}

pub(crate) use {on_each_database, on_postgres};
