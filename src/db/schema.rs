// @generated automatically by Diesel CLI.

diesel::table! {
    auth_events (id) {
        id -> Int8,
        at -> Timestamptz,
        door -> Text,
        kind -> Text,
        user_id -> Nullable<Uuid>,
        login_id -> Nullable<Uuid>,
        detail -> Nullable<Text>,
        address -> Nullable<Inet>,
        user_agent -> Text,
        actor_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    denied_tokens (jti) {
        jti -> Text,
        expires_at -> Timestamptz,
        reason -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    devices (hash) {
        hash -> Bytea,
        user_id -> Uuid,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Bytea,
        family_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        nonce -> Nullable<Bytea>,
    }
}

diesel::table! {
    session_outbox (user_id) {
        user_id -> Uuid,
        revision -> Int8,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Bytea,
        id -> Uuid,
        user_id -> Uuid,
        state -> Jsonb,
        remembered -> Bool,
        created_at -> Timestamptz,
        authenticated_at -> Timestamptz,
        seen_at -> Timestamptz,
        idle_ttl_seconds -> Int4,
        absolute_expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        user_agent -> Text,
        address -> Inet,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Nullable<Jsonb>,
        sealed_private -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        signs_from -> Timestamptz,
    }
}

diesel::table! {
    token_families (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        authenticated_at -> Timestamptz,
        seen_at -> Timestamptz,
        absolute_expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        user_agent -> Text,
        address -> Inet,
        access_ttl_seconds -> Int8,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_folded -> Text,
        display_name -> Text,
        password_hash -> Text,
        role -> Text,
        credential_version -> Int8,
        demo -> Bool,
        created_at -> Timestamptz,
        banned_at -> Nullable<Timestamptz>,
        banned_until -> Nullable<Timestamptz>,
        ban_reason -> Nullable<Text>,
        revision -> Int8,
        sessions_since -> Int8,
        sessions_end_reason -> Nullable<Text>,
        new_devices -> Jsonb,
    }
}

diesel::joinable!(devices -> users (user_id));
diesel::joinable!(refresh_tokens -> token_families (family_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(token_families -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    auth_events,
    denied_tokens,
    devices,
    refresh_tokens,
    session_outbox,
    sessions,
    signing_keys,
    token_families,
    users,
);
