//! What a service declares (role_data), and how services merge into a role
