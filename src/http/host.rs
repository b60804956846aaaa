//! Refuses requests for another host than ours with 421.
//!
//! A name that an attacker controls can be made to resolve to this machine (DNS rebinding); the attacker's page would then be
//! of the same origin as our answers. The `Host` header still carries the attacker's name. Health checks come from
//! machines that know an address only, and say nothing worth stealing: they are let through.
//!
//! With two hosts each door has a name of its own, and the [`Guard`]s here keep its routes there: at the other door's name
//! there is no such route. (They decide after routing has read the path, however that is written.)

use actix_web::{
    HttpResponse,
    dev::{RequestHead, ServiceRequest},
    guard::{Guard, fn_guard},
    http::header::{self, HeaderMap},
    web,
};

use super::origin::Site;

/// The answer to a request for another host; `None` if it is for ours.
#[must_use]
pub fn refusal(site: &Site, request: &ServiceRequest) -> Option<HttpResponse> {
    let named = named(request.head()).is_some_and(|host| site.answers_to(host));
    if named || matches!(request.path(), "/healthz" | "/readyz") {
        return None;
    }
    let refusal = HttpResponse::MisdirectedRequest()
        .content_type("text/plain; charset=utf-8")
        .body(format!("This server answers for {} only.\n", names(site)));
    Some(refusal)
}

fn names(site: &Site) -> String {
    match site.api_origin() {
        Some(_) => format!("{} and {}", site.host(), site.api_host()),
        None => site.host().to_owned(),
    }
}

/// Lets a service answer at the site's host.
#[must_use]
pub fn of_site(site: &web::Data<Site>) -> impl Guard + use<> {
    let site = site.clone();
    fn_guard(move |context| named(context.head()).is_some_and(|host| site.is_site(host)))
}

/// Lets a service answer at the API's host.
#[must_use]
pub fn of_api(site: &web::Data<Site>) -> impl Guard + use<> {
    let site = site.clone();
    fn_guard(move |context| named(context.head()).is_some_and(|host| site.is_api(host)))
}

/// The host that a request names: in its target, which decides, or in the header.
fn named(head: &RequestHead) -> Option<&str> {
    match head.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => host(head.headers()),
    }
}

/// The one `Host` header; several of them are as good as none.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST);
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}
