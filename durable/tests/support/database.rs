//! Databases of tests on a PostgreSQL server.

/// Creates a database with a random name on this server, and returns its URL.
#[cfg(feature = "postgres")]
pub(crate) async fn new_database(server: &str) -> String {
    use sqlx::Connection;

    let name = format!("test_{:016x}", fastrand::u64(..));
    let mut connection = sqlx::PgConnection::connect(server).await.expect("a server");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&mut connection)
        .await
        .expect("a database");
    let (server, _) = server.rsplit_once('/').expect("a database in the URL");
    format!("{server}/{name}")
}

#[cfg(not(feature = "postgres"))]
pub(crate) async fn new_database(_: &str) -> String {
    panic!("DATABASE_URL needs the feature `postgres`")
}
