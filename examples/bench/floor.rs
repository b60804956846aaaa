//! What the doors are compared with: a bare handler that answers as many bytes and knows nobody, and the way that textbooks
//! check a session, each in the same program so that nothing but the check differs.

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    cookie::{CookieJar, Key},
    error::{ErrorInternalServerError, ErrorUnauthorized},
    web,
};
use diesel::{
    PgConnection,
    prelude::*,
    r2d2::{ConnectionManager, Pool},
};
use serde::Serialize;
use two_doors::{
    db::schema::{sessions, users},
    secrets::{Purpose, Secrets, sha256},
};
use uuid::Uuid;

/// As many bytes as `GET /api/me` and `GET /account/me` answer.
#[derive(Serialize)]
struct Me {
    id: Uuid,
    role: String,
    login: Uuid,
    auth_time: i64,
    exp: i64,
}

type Connections = Pool<ConnectionManager<PgConnection>>;

struct Textbook {
    key: Key,
    /// As r2d2 comes: ten connections, a ping at each check-out.
    plain: Connections,
    /// Four connections and no ping.
    tuned: Connections,
}

/// Serves on a free port, for ever.
pub async fn serve(database: &str, secrets: &Secrets) -> anyhow::Result<()> {
    let manager = || ConnectionManager::<PgConnection>::new(database);
    let textbook = web::Data::new(Textbook {
        key: Key::from(&secrets.newest::<64>(Purpose::SessionCookie)),
        plain: Pool::new(manager())?,
        tuned: Pool::builder().max_size(4).test_on_check_out(false).build(manager())?,
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(textbook.clone())
            .route("/floor", web::get().to(floor))
            .route("/textbook", web::get().to(as_it_comes))
            .route("/textbook-tuned", web::get().to(tuned))
    });
    let server = server.bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("the floor is at http://{address}");
    }
    Ok(server.run().await?)
}

async fn floor() -> web::Json<Me> {
    web::Json(Me {
        id: Uuid::nil(),
        role: "user".to_owned(),
        login: Uuid::nil(),
        auth_time: 1_800_000_000,
        exp: 1_800_000_900,
    })
}

/// A statement for the session and one for its user.
async fn as_it_comes(request: HttpRequest, textbook: web::Data<Textbook>) -> actix_web::Result<HttpResponse> {
    let key = key(&request, &textbook)?;
    let me = web::block(move || -> anyhow::Result<Me> {
        let mut conn = textbook.plain.get()?;
        let live = sessions::table.find(&key[..]).filter(sessions::ended_at.is_null());
        let (login, user): (Uuid, Uuid) = live.select((sessions::id, sessions::user_id)).first(&mut conn)?;
        let (id, role) = users::table.find(user).select((users::id, users::role)).first(&mut conn)?;
        Ok(Me { id, role, login, auth_time: 1_800_000_000, exp: 1_800_000_900 })
    });
    Ok(HttpResponse::Ok().json(me.await?.map_err(ErrorInternalServerError)?))
}

/// One statement for both.
async fn tuned(request: HttpRequest, textbook: web::Data<Textbook>) -> actix_web::Result<HttpResponse> {
    let key = key(&request, &textbook)?;
    let me = web::block(move || -> anyhow::Result<Me> {
        let mut conn = textbook.tuned.get()?;
        let live = sessions::table.find(&key[..]).filter(sessions::ended_at.is_null()).inner_join(users::table);
        let (login, id, role) = live.select((sessions::id, users::id, users::role)).first(&mut conn)?;
        Ok(Me { id, role, login, auth_time: 1_800_000_000, exp: 1_800_000_900 })
    });
    Ok(HttpResponse::Ok().json(me.await?.map_err(ErrorInternalServerError)?))
}

fn key(request: &HttpRequest, textbook: &Textbook) -> actix_web::Result<[u8; 32]> {
    let mut jar = CookieJar::new();
    let cookie = request.cookie("session").ok_or_else(|| ErrorUnauthorized("no cookie"))?;
    jar.add_original(cookie);
    let plain = jar.signed(&textbook.key).get("session").ok_or_else(|| ErrorUnauthorized("not ours"))?;
    Ok(sha256(plain.value().as_bytes()))
}
