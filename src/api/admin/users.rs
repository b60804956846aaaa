//! `/api/admin/users`: who is here.

use actix_web::web;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    super::{Error, events::number},
    LIMIT_ADVICE, PAGE, account, refused, refused_field,
};
use crate::{
    accounts::{self, Accounts, Role, User, directory, standing::Refusal},
    db,
    everywhere::{self, Ended},
    token::LiveTokenAdmin,
};

/// An account, as an admin sees it.
#[derive(Serialize, ToSchema)]
pub struct Account {
    id: Uuid,
    /// `null` to a demo admin, unless it is a demo account's.
    email: Option<String>,
    display_name: String,
    role: Role,
    /// Whether it is a demo account, which stays as it is.
    demo: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// The ban in force, if there is one.
    banned: Option<Banned>,
}

/// Why somebody is kept out, and for how long.
#[derive(Serialize, ToSchema)]
struct Banned {
    /// `null` to a demo admin: it may say more of the person than the name.
    reason: Option<String>,
    /// `null`: without an end.
    #[serde(with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

impl Account {
    fn new(user: User, admin: &User, now: OffsetDateTime) -> Self {
        let may_see = directory::may_see(admin, Some(&user));
        let banned = user.ban(now).map(|ban| Banned { reason: may_see.then_some(ban.reason), until: ban.until });
        Self {
            id: user.id,
            role: user.role(),
            demo: user.demo,
            created_at: user.created_at,
            display_name: user.display_name,
            email: may_see.then_some(user.email),
            banned,
        }
    }
}

/// Live logins at each door.
#[derive(Serialize, ToSchema)]
pub struct Logins {
    sessions: usize,
    tokens: usize,
}

impl From<Ended> for Logins {
    fn from(Ended { sessions, families }: Ended) -> Self {
        Self { sessions, tokens: families }
    }
}

/// An account with how many live logins it has.
#[derive(Serialize, ToSchema)]
pub struct AccountAndLogins {
    #[serde(flatten)]
    account: Account,
    logins: Logins,
}

impl AccountAndLogins {
    pub(super) fn read(conn: &mut PgConnection, admin: &User, id: Uuid) -> Result<Self, Refusal> {
        let (user, now) = accounts::find_at(conn, id)?.ok_or(Refusal::Gone)?;
        let logins = everywhere::count(conn, id)?.into();
        Ok(Self { account: Account::new(user, admin, now), logins })
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct Page {
    users: Vec<Account>,
    /// What to send as `after` for the next page; nothing after the last one.
    next_after: Option<String>,
}

/// Which accounts are wanted; as text, so that a refusal can name the parameter.
#[derive(Debug, Deserialize)]
pub struct Query {
    #[serde(default)]
    q: String,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /api/admin/users`
#[utoipa::path(
    get,
    path = "/api/admin/users",
    summary = "Accounts, newest first, a page at a time.",
    params(
        ("q" = Option<String>, Query, description = "Part of a name or an address."),
        ("after" = Option<String>, Query, description = "The `next_after` of the page before."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many; 50 if not said."),
    ),
    responses((status = 200, body = Page, description = "A page of them.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "refused-fields"])))
)]
pub async fn list(
    admin: LiveTokenAdmin,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<web::Json<Page>, Error> {
    let Query { q, after, limit } = query.into_inner();
    let fits = |limit: i64| (1..=directory::MOST).contains(&limit);
    let limit = number("limit", limit.as_deref(), fits, LIMIT_ADVICE)?.unwrap_or(PAGE);
    if after.as_deref().is_some_and(|after| !directory::is_place(after)) {
        return Err(refused_field("after", "Send the `next_after` of the page before."));
    }
    let admin = admin.user;
    let page = db::run(&accounts.pool, move |conn| {
        let found = directory::users(conn, Some(&admin), &q, after.as_deref(), limit)?;
        let users = found.users.into_iter().map(|user| Account::new(user, &admin, found.now)).collect();
        Ok::<_, db::Error>(Page { users, next_after: found.next })
    });
    Ok(web::Json(page.await?))
}

/// `GET /api/admin/users/{id}`
#[utoipa::path(
    get,
    path = "/api/admin/users/{id}",
    summary = "An account, and how many live logins it has.",
    params(("id" = Uuid, Path, description = "Of an account.")),
    responses((status = 200, body = AccountAndLogins, description = "The account.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "not-found"])))
)]
pub async fn show(
    admin: LiveTokenAdmin,
    accounts: web::Data<Accounts>,
    id: web::Path<String>,
) -> Result<web::Json<AccountAndLogins>, Error> {
    let id = account(&id)?;
    let reading = db::run(&accounts.pool, move |conn| AccountAndLogins::read(conn, &admin.user, id));
    Ok(web::Json(reading.await.map_err(refused)?))
}
