DROP TRIGGER auth_events_stay_whole ON auth_events;
