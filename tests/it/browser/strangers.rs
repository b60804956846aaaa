//! Another origin's pages, which can make a browser send forms here, and with them its cookies.

use std::{net::SocketAddr, sync::mpsc, thread};

use actix_web::{App, HttpResponse, HttpServer, web};

use super::*;

/// Serves a page from a port of its own, until the test process ends.
fn serve(html: String) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let page = move || {
                let html = html.clone();
                let show = move || std::future::ready(HttpResponse::Ok().content_type("text/html").body(html.clone()));
                App::new().default_service(web::to(show))
            };
            let server = HttpServer::new(page).workers(1).disable_signals().bind("127.0.0.1:0").expect("a free port");
            sender.send(server.addrs()[0]).expect("the test waits");
            server.run().await.expect("it runs");
        });
    });
    receiver.recv().expect("it started")
}

#[actix_web::test]
async fn a_form_on_another_origins_page_changes_nothing_whether_or_not_it_brings_the_cookie() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = signed_up(&app, &chromium.visitor());
    // A token that we made ourselves, though not for her.
    let token = app.browser().form_token("/login").await;
    let form = |action: &str| {
        format!(
            r#"<form method="post" action="{}"><input type="hidden" name="form_token" value="{token}">
            <input type="hidden" name="display_name" value="Mallory"><button>Win a prize</button></form>"#,
            app.url(action)
        )
    };
    let port = serve(["/logout", "/account/name", "/login"].map(form).concat()).port();

    // Another port is another origin, but the same site: `SameSite` lets the cookie through. Another name is another site.
    for (host, brings_the_cookie) in [("127.0.0.1", true), ("localhost", false)] {
        for action in ["/logout", "/account/name", "/login"] {
            tab.open(&format!("http://{host}:{port}/"));
            tab.follow(&format!("form[action$='{action}'] button"));
            let (seen, case) = (tab.text(), format!("from {host} to {action}"));
            assert_eq!((tab.path().as_str(), tab.status()), (action, 403), "{case}");
            assert!(seen.contains("This did not come from one of our pages"), "{case}: {seen}");
            assert_eq!(seen.contains(NAME), brings_the_cookie, "{case}: {seen}");
        }
        tab.open(&app.url("/account"));
        let seen = tab.text();
        assert_eq!(tab.status(), 200);
        assert!(seen.contains(NAME) && !seen.contains("Mallory"), "from {host}: {seen}");
    }
}
