//! One path and its methods, so that `HEAD`, `OPTIONS` and 405 behave alike everywhere (RFC 9110, sections 9.3 and 15.5.6).
//!
//! A `HEAD` is answered by the route of `GET`: the method is exchanged before routing, and the codec, which remembers what
//! was asked, leaves the body out. `OPTIONS` lists the methods; any other method gets 405 with the same list.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, Resource, Route, Scope,
    dev::ServiceRequest,
    guard,
    http::{Method, header::ALLOW},
    web,
};

/// A resource with these methods and no others; `refuse` dresses the 405.
pub fn resource(
    path: &str,
    routes: impl IntoIterator<Item = (Method, Route)>,
    refuse: fn(&HttpRequest, &str) -> HttpResponse,
) -> Resource {
    let mut allowed = vec![Method::OPTIONS.to_string()];
    let mut resource = web::resource(path.to_owned());
    for (method, route) in routes {
        if method == Method::GET {
            allowed.push(Method::HEAD.to_string());
        }
        allowed.push(method.to_string());
        resource = resource.route(route.method(method));
    }
    allowed.sort_unstable();
    let allowed = allowed.join(", ");
    resource.default_service(web::to(move |request: HttpRequest| {
        let mut response = match *request.method() {
            Method::OPTIONS => HttpResponse::NoContent().finish(),
            _ => refuse(&request, &allowed),
        };
        if let Ok(value) = allowed.parse() {
            response.headers_mut().insert(ALLOW, value);
        }
        std::future::ready(response)
    }))
}

/// Left with a request that came as `HEAD`: an answer without an end must not be begun for it.
#[derive(Debug, Clone, Copy)]
pub struct AskedByHead;

/// A resource in a scope of its own, to have layers of its own; it takes its very path and nothing below it.
pub fn alone(
    path: &'static str,
    routes: impl IntoIterator<Item = (Method, Route)>,
    refuse: fn(&HttpRequest, &str) -> HttpResponse,
) -> Scope {
    let whole = "";
    let here = guard::fn_guard(move |context| context.head().uri.path() == path);
    web::scope(path).guard(here).service(resource(whole, routes, refuse))
}

/// Lets `HEAD` find the route of `GET`.
pub fn head_as_get(request: &mut ServiceRequest) {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(AskedByHead);
    }
}
